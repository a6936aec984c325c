"""Finds what is deployed around the table and the queue that a connection names.

Nothing more has to be named: the queue's redrive policy says which its dead-letter queue is, the
event source mappings of queue and stream say which functions they invoke, and the stream's mapping
says where its failures go.
"""

import json
import math
from collections import abc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, NamedTuple

from botocore.exceptions import ClientError

from operations.connection import Connection
from operations.errors import OperationError
from receipt_sync.settings import CompactorSettings

_HEARTBEAT: Final = float(CompactorSettings.model_fields["heartbeat_seconds"].default)


class NotDeployedError(OperationError):
    """A part of the system that a command needs is not there."""


class VariablesUnreadableError(OperationError):
    """A function has environment variables that the caller may not decrypt."""


class SettingWrongError(OperationError):
    """A function has an environment variable that is no number where it must be one."""


def number_of(variables: abc.Mapping[str, str], name: str, otherwise: float) -> float:
    """Return a variable of a function; `otherwise` if it is unset. Raises SettingWrongError."""
    text = variables.get(name) or str(otherwise)
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise SettingWrongError(
            f"{name} of the function is {text!r}, which is no number: deploy it with one"
        )
    return number


class Queue(NamedTuple):
    """A queue by both of its names."""

    url: str
    arn: str

    @property
    def name(self) -> str:
        return self.arn.rsplit(":", 1)[1]


@dataclass(frozen=True)
class Mapping:
    """An event source mapping. `settings` is what Lambda says of it."""

    uuid: str
    function: str
    enabled: bool
    state: str
    settings: dict[str, Any]

    @property
    def function_name(self) -> str:
        """Without the version or alias that `function` may name, too."""
        return self.function.partition(":")[0]


@dataclass(frozen=True)
class Function:
    """A function. `timeout` is seconds; `settings` is what Lambda says of it."""

    name: str
    timeout: int
    log_group: str
    settings: dict[str, Any]

    @property
    def variables(self) -> dict[str, str]:
        """Its environment variables. Raises VariablesUnreadableError.

        Lambda answers with an error in their place where the caller may not decrypt them:
        https://docs.aws.amazon.com/lambda/latest/api/API_EnvironmentResponse.html
        """
        environment = self.settings.get("Environment") or {}
        error = environment.get("Error")
        if error:
            raise VariablesUnreadableError(
                f"the environment variables of {self.name} can't be read "
                f"({error.get('ErrorCode', 'no code')}), so nothing is told or set that needs "
                "them: ask for kms:Decrypt on the functions' key"
            )
        return dict(environment.get("Variables") or {})


class Deployment:
    """Everything is asked for when it is first needed, so that a command needs no other rights.

    Raises NotDeployedError for what is not there, and botocore's own errors.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def queue(self) -> Queue:
        """The compaction queue."""
        return Queue(self._connection.names.compaction_queue_url, self.queue_attributes["QueueArn"])

    @cached_property
    def queue_attributes(self) -> dict[str, str]:
        """The compaction queue's attributes, by SQS's names."""
        return self.attributes(self._connection.names.compaction_queue_url)

    @property
    def most_receives(self) -> int:
        """How often a message is received until it is a dead letter; 0 without such a limit."""
        policy = json.loads(self.queue_attributes.get("RedrivePolicy") or "{}")
        return int(policy.get("maxReceiveCount", 0))

    @cached_property
    def compaction_dlq(self) -> Queue:
        """Where messages go that were received too often, and what the compactor sets aside."""
        policy = self.queue_attributes.get("RedrivePolicy")
        if not policy:
            raise NotDeployedError(
                f"the queue {self.queue.name} has no redrive policy, so no dead-letter queue: "
                "create it with Terraform"
            )
        return self._queue_of(json.loads(policy)["deadLetterTargetArn"])

    @cached_property
    def stream_arn(self) -> str:
        """The table's stream."""
        table = self._connection.names.table
        description = self._connection.dynamodb.describe_table(TableName=table)["Table"]
        if "LatestStreamArn" not in description:
            raise NotDeployedError(f"the table {table} has no stream: enable it with Terraform")
        return description["LatestStreamArn"]

    @cached_property
    def stream_mappings(self) -> tuple[Mapping, ...]:
        """From the stream to the stream processor; a stream may have other readers, too."""
        source = f"the stream of {self._connection.names.table}"
        first, *others = self._mappings(self.stream_arn, source)
        return (first, *(one for one in others if one.function_name == first.function_name))

    @cached_property
    def queue_mappings(self) -> tuple[Mapping, ...]:
        """From the queue, whichever function they invoke: each takes the others' messages."""
        return self._mappings(self.queue.arn, f"the queue {self.queue.name}")

    @property
    def stream_mapping(self) -> Mapping:
        """The one that says what the stream processor is."""
        return self.stream_mappings[0]

    @property
    def queue_mapping(self) -> Mapping:
        """The one that says what the compactor is."""
        return self.queue_mappings[0]

    @cached_property
    def stream_dlq(self) -> Queue:
        """Where the stream's failures go, and what the stream processor parks."""
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
        """What the compactor calls its leases, before the collection's suffix."""
        return self.compactor.variables.get("COMPACTION_LOCK_ID", "chroma-main-snapshot")

    @property
    def heartbeat(self) -> timedelta:
        """How often the compactor renews a lease that it holds."""
        variables = self.compactor.variables
        return timedelta(seconds=number_of(variables, "HEARTBEAT_SECONDS", _HEARTBEAT))

    def attributes(self, queue_url: str) -> dict[str, str]:
        """All attributes of a queue, by SQS's names."""
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
        """Every mapping of a source, those that are on first. Raises NotDeployedError."""
        found = sorted(self._listed(source_arn), key=lambda one: not one.enabled)
        if not found:
            raise NotDeployedError(
                f"no function is mapped to {source}: deploy the functions with SAM, or `make up`"
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
