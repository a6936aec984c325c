"""The search for the deployed parts around the table and the queue of a connection.

A connection names only these two. The queue's redrive policy names its dead-letter queue. The event
source mappings of queue and stream name the functions that they invoke. The stream's mapping names
the destination of its failures.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from typing import Any

from botocore.exceptions import ClientError

from receipt_ops.connection import Connection
from receipt_ops.deployment.parts import Function, Mapping, NotDeployedError, Queue, number_of
from receipt_sync.defaults import HEARTBEAT_SECONDS


class Deployment:
    """Describes the deployed system.

    It reads each part when a command first needs it, so that a command needs no further rights.
    Raises NotDeployedError for a missing part, and the errors of botocore.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def queue(self) -> Queue:
        """Return the compaction queue."""
        return Queue(self._connection.names.compaction_queue_url, self.queue_attributes["QueueArn"])

    @cached_property
    def queue_attributes(self) -> dict[str, str]:
        """Return the attributes of the compaction queue by their names in SQS."""
        return self.attributes(self._connection.names.compaction_queue_url)

    @property
    def most_receives(self) -> int:
        """Return how often SQS delivers a message before it becomes a dead letter; 0: no limit."""
        policy = json.loads(self.queue_attributes.get("RedrivePolicy") or "{}")
        return int(policy.get("maxReceiveCount", 0))

    @cached_property
    def compaction_dlq(self) -> Queue:
        """Return the dead-letter queue of the compaction queue.

        It takes the messages that were received too often and those that the compactor sets aside.
        """
        policy = self.queue_attributes.get("RedrivePolicy")
        if not policy:
            raise NotDeployedError(
                f"the queue {self.queue.name} has no redrive policy, so it has no dead-letter "
                "queue: create both with Terraform"
            )
        return self._queue_of(json.loads(policy)["deadLetterTargetArn"])

    @cached_property
    def stream_arn(self) -> str:
        """Return the ARN of the table's stream."""
        table = self._connection.names.table
        description = self._connection.dynamodb.describe_table(TableName=table)["Table"]
        if "LatestStreamArn" not in description:
            raise NotDeployedError(f"the table {table} has no stream: enable it with Terraform")
        return description["LatestStreamArn"]

    @cached_property
    def stream_mappings(self) -> tuple[Mapping, ...]:
        """Return the mappings from the stream to the stream processor.

        A stream may also have other readers.
        """
        source = f"the stream of {self._connection.names.table}"
        first, *others = self._mappings(self.stream_arn, source)
        return (first, *(one for one in others if one.function_name == first.function_name))

    @cached_property
    def queue_mappings(self) -> tuple[Mapping, ...]:
        """Return all mappings of the queue, because each takes messages away from the others."""
        return self._mappings(self.queue.arn, f"the queue {self.queue.name}")

    @property
    def stream_mapping(self) -> Mapping:
        """Return the mapping that names the stream processor."""
        return self.stream_mappings[0]

    @property
    def queue_mapping(self) -> Mapping:
        """Return the mapping that names the compactor."""
        return self.queue_mappings[0]

    @cached_property
    def stream_dlq(self) -> Queue:
        """Return the dead-letter queue of the stream.

        It takes the failures of the stream's mapping and the records that the stream processor
        parks.
        """
        destination = self.stream_mapping.settings.get("DestinationConfig") or {}
        arn = (destination.get("OnFailure") or {}).get("Destination")
        if not arn:
            raise NotDeployedError(
                "the stream's event source mapping has no failure destination: deploy it with SAM"
            )
        return self._queue_of(arn)

    @cached_property
    def stream_processor(self) -> Function:
        return self._function(self.stream_mapping.function)

    @cached_property
    def compactor(self) -> Function:
        return self._function(self.queue_mapping.function)

    @property
    def lock_id(self) -> str:
        """Return the common start of the names of leases. A suffix for the collection follows."""
        return self.compactor.variables.get("COMPACTION_LOCK_ID", "chroma-main-snapshot")

    @property
    def heartbeat(self) -> timedelta:
        """Return the interval at which the compactor renews its lease."""
        variables = self.compactor.variables
        return timedelta(seconds=number_of(variables, "HEARTBEAT_SECONDS", HEARTBEAT_SECONDS))

    def attributes(self, queue_url: str) -> dict[str, str]:
        """Return all attributes of a queue by their names in SQS."""
        answer = self._connection.sqs.get_queue_attributes(
            QueueUrl=queue_url, AttributeNames=["All"]
        )
        return {str(name): value for name, value in answer["Attributes"].items()}

    def _queue_of(self, arn: str) -> Queue:
        name = arn.rsplit(":", 1)[1]
        try:
            return Queue(self._connection.sqs.get_queue_url(QueueName=name)["QueueUrl"], arn)
        except ClientError as error:
            if "NonExistentQueue" in str(error) or "QueueDoesNotExist" in str(error):
                raise NotDeployedError(
                    f"there is no queue {name}: create it with Terraform"
                ) from None
            raise

    def _mappings(self, source_arn: str, source: str) -> tuple[Mapping, ...]:
        """Return every mapping of a source, enabled ones first. Raises NotDeployedError."""
        found = sorted(self._listed(source_arn), key=lambda one: not one.enabled)
        if not found:
            raise NotDeployedError(
                f"{source} has no event source mapping, so no function reads it: deploy the "
                "functions with SAM, or run `make up`"
            )
        return tuple(found)

    def _listed(self, source_arn: str) -> Iterator[Mapping]:
        following: dict[str, str] = {}
        while True:
            page = self._connection.lambda_.list_event_source_mappings(
                EventSourceArn=source_arn,
                **following,  # type: ignore[arg-type]
            )
            yield from (_mapping(dict(found)) for found in page["EventSourceMappings"])
            if not page.get("NextMarker"):
                return
            following = {"Marker": page["NextMarker"]}

    def _function(self, name: str) -> Function:
        settings: dict[str, Any] = dict(
            self._connection.lambda_.get_function_configuration(FunctionName=name)
        )
        logging = settings.get("LoggingConfig") or {}
        return Function(
            name=settings["FunctionName"],
            timeout=int(settings["Timeout"]),
            log_group=logging.get("LogGroup") or f"/aws/lambda/{settings['FunctionName']}",
            settings=settings,
        )


def _mapping(settings: dict[str, Any]) -> Mapping:
    state = settings.get("State", "unknown")
    return Mapping(
        uuid=settings["UUID"],
        function=settings["FunctionArn"].rsplit(":function:", 1)[-1],
        enabled=state not in ("Disabled", "Disabling"),
        state=state,
        settings=settings,
    )
