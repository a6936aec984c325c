"""A deployed system in memory, settings that fit each other, and leases."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from receipt_ops.connection import Connection, Names
from receipt_ops.deployment.config_check import DAY, Facts
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.locks import HeldLock
from receipt_sync.keys import Collection

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
QUEUE_ARN, DLQ_ARN = "arn:aws:sqs:eu-west-1:1:queue", "arn:aws:sqs:eu-west-1:1:dlq"
STREAM_DLQ_ARN = "arn:aws:sqs:eu-west-1:1:stream-dlq"


class AWS:
    """SQS, DynamoDB and Lambda with one deployed system; each part can be taken away."""

    def __init__(self) -> None:
        self.attributes = {
            "QueueArn": QUEUE_ARN,
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": DLQ_ARN, "maxReceiveCount": 5}),
        }
        self.queues = {"dlq", "stream-dlq"}
        self.table: dict[str, Any] = {"LatestStreamArn": "arn:stream"}
        self.mappings: dict[str, dict[str, Any]] = {
            QUEUE_ARN: self._mapping("compactor"),
            "arn:stream": {
                **self._mapping("stream-processor"),
                "DestinationConfig": {"OnFailure": {"Destination": STREAM_DLQ_ARN}},
            },
        }
        self.more: dict[str, list[dict[str, Any]]] = {}
        """Mappings of a source beside its first one."""
        self.variables = {"ENABLE_WORD_UPDATES": "false", "COMPACTION_LOCK_ID": "our-lock"}
        self.environment: dict[str, Any] | None = None
        self.revision = "revision-1"
        self.updates: list[dict[str, Any]] = []

    def _mapping(self, function: str) -> dict[str, Any]:
        arn = f"arn:aws:lambda:eu-west-1:1:function:{function}"
        return {"UUID": f"uuid-{function}", "FunctionArn": arn, "State": "Enabled"}

    def get_queue_attributes(self, **_: Any) -> Any:
        return {"Attributes": self.attributes}

    def get_queue_url(self, QueueName: str) -> Any:  # noqa: N803 as boto3 calls it
        if QueueName not in self.queues:
            code = "AWS.SimpleQueueService.NonExistentQueue"
            raise ClientError({"Error": {"Code": code}}, "GetQueueUrl")
        return {"QueueUrl": f"https://sqs/{QueueName}"}

    def describe_table(self, **_: Any) -> Any:
        return {"Table": self.table}

    def list_event_source_mappings(
        self,
        EventSourceArn: str,  # noqa: N803
        Marker: str = "",  # noqa: N803
    ) -> Any:
        """Give the mappings of a source, one a page."""
        first = self.mappings.get(EventSourceArn)
        every = [first, *self.more.get(EventSourceArn, [])] if first else []
        at = int(Marker or 0)
        page = {"EventSourceMappings": every[at : at + 1]}
        return {**page, "NextMarker": str(at + 1)} if at + 1 < len(every) else page

    def get_event_source_mapping(self, UUID: str) -> Any:  # noqa: N803
        (asked,) = (one["Enabled"] for one in self.updates[::-1] if one["UUID"] == UUID)
        return {"UUID": UUID, "State": "Enabled" if asked else "Disabled"}

    def get_function_configuration(self, FunctionName: str) -> Any:  # noqa: N803
        return {
            "FunctionName": FunctionName,
            "Timeout": 30,
            "Environment": self.environment or {"Variables": self.variables},
            "RevisionId": self.revision,
        }

    def update_function_configuration(self, **arguments: Any) -> None:
        if arguments["RevisionId"] != self.revision:
            raise ClientError(
                {"Error": {"Code": "PreconditionFailedException"}}, "UpdateFunctionConfiguration"
            )
        self.updates.append(arguments)

    def update_event_source_mapping(self, **arguments: Any) -> None:
        self.updates.append(arguments)

    def get_waiter(self, _: str) -> Any:
        return self

    def wait(self, **_: Any) -> None:
        pass

    def deployment(self) -> Deployment:
        client: Any = self
        names = Names("table", "https://sqs/queue", "bucket")
        return Deployment(Connection(names, client, client, client, client=lambda _: client))


def doubled(state: str = "Enabled", function: str = "compactor:live") -> AWS:
    """A system whose queue has a second mapping; on its second page."""
    aws = AWS()
    aws.more[QUEUE_ARN] = [{**aws._mapping(function), "UUID": "uuid-2", "State": state}]
    return aws


RIGHT = Facts(
    queue={
        "VisibilityTimeout": "1800",
        "MessageRetentionPeriod": str(4 * DAY),
        "RedrivePolicy": '{"maxReceiveCount": 5}',
    },
    compaction_dlq={"MessageRetentionPeriod": str(14 * DAY)},
    stream_dlq={"MessageRetentionPeriod": str(14 * DAY)},
    stream_mapping={
        "MaximumRecordAgeInSeconds": 79_200,
        "DestinationConfig": {"OnFailure": {"Destination": STREAM_DLQ_ARN}},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{}]},
    },
    queue_mapping={
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 2},
    },
    compactor_timeout=300,
    compactor={"LEASE_SECONDS": "60", "HEARTBEAT_SECONDS": "15"},
    compactor_storage_mib=4096,
    snapshot_bytes=2**30,
)
BEAT = timedelta(seconds=15)


def lock(expires: float, beaten: float | None) -> HeldLock:
    heartbeat = None if beaten is None else NOW + timedelta(seconds=beaten)
    expiry = NOW + timedelta(seconds=expires)
    return HeldLock("lock-lines", Collection.LINES, "owner", expiry, heartbeat, BEAT)


def without_decrypt() -> AWS:
    """What Lambda answers an operator who may not use the key of the variables."""
    aws = AWS()
    aws.environment = {"Error": {"ErrorCode": "AccessDeniedException", "Message": "KMS"}}
    return aws
