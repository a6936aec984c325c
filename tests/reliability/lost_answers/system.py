"""One system on the local AWS: a table, queues, a bucket, and both handlers in this process."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch
from uuid import uuid4

from mypy_boto3_sqs.literals import QueueAttributeNameType

from compactor import handler as compactor
from local.clients import Clients
from local.quick.names import Names, Options
from local.quick.provision import provision
from local.stack import Stack
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.keys import Collection, EntityKey
from stream_processor import handler as stream_processor
from tests.reliability.lost_answers import content

LEASE_SECONDS: Final = 120
REMAINING_SECONDS: Final = 100
_VISIBILITY: Final = Options(visibility_timeout=120, max_receive_count=1_000)
_VARIABLES: Final = {
    "LEASE_SECONDS": str(LEASE_SECONDS),
    "HEARTBEAT_SECONDS": "0.02",
    "SNAPSHOT_RETENTION_SECONDS": "0",
}
"""Each cycle extends its lease, and a version deletes what it drops."""
_RECEIVE: Final = 10


@dataclass
class Done:
    """The result of an invocation for messages or stream records."""

    returned: list[str] = field(default_factory=list)
    """The returned messages or stream records."""
    error: str = ""
    """The type of the error that the invocation ended with."""


@dataclass(frozen=True)
class Frozen:
    """The content of a system, to be copied into another system."""

    items: list[dict[str, Any]]
    objects: dict[str, bytes]
    messages: list[str]
    records: list[dict[str, Any]]
    embedded: dict[str, str]
    poison: frozenset[str]
    malformed: int
    deltas: int


class System:
    """The actions of a producer, a queue mapping and an operator on one system."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder, self.clients = stack, folder, stack.clients()
        self.embedded: dict[str, str] = {}
        """The text of the newest vector of each record."""
        self.poison: set[str] = set()
        """Bodies that belong in the compactor's dead-letter queue."""
        self.malformed = 0
        """Number of records that belong in the stream's dead-letter queue."""
        self.watch: Callable[[], AbstractContextManager[object]] = nullcontext
        """The context of every action of the product itself."""
        self._records: list[dict[str, Any]] = []
        self._deltas = 0

    def put(self, item: Mapping[str, Any], event: str = "MODIFY") -> None:
        """Write an item, and note its stream record."""
        self.clients.dynamodb.put_item(TableName=self.stack.names.table, Item=dict(item))
        self._note(item["PK"]["S"], item["SK"]["S"], event, dict(item))

    def delete(self, key: EntityKey) -> None:
        """Delete an item, and note its stream record."""
        place = {"PK": {"S": key.pk}, "SK": {"S": key.sk}}
        self.clients.dynamodb.delete_item(TableName=self.stack.names.table, Key=place)
        self._note(key.pk, key.sk, "REMOVE", None)

    def note_malformed(self) -> None:
        """Note a malformed stream record."""
        self._note("IMAGE#a", "RECEIPT#one#LINE#two", "INSERT", {"text": {"S": "x"}})
        self.malformed += 1

    def embed(self, collection: Collection, texts: dict[str, str]) -> None:
        """Put a delta, and send its message."""
        self._deltas += 1
        key, data, body = content.delta(self._deltas, collection, texts)
        self.clients.s3.put_object(Bucket=self.stack.names.bucket, Key=key, Body=data)
        self.send(body)
        self.embedded |= texts

    def send(self, body: str) -> None:
        """Send a message to the compaction queue."""
        url = self.stack.queues.compaction.url
        self.clients.sqs.send_message(QueueUrl=url, MessageBody=body)

    def stream(self) -> Done:
        """Hand the noted records to the stream processor. Records that it reports stay noted."""
        event = {"Records": self._records}
        try:
            with self.watch():
                answer = stream_processor.lambda_handler(event, _context())
        except Exception as error:  # noqa: BLE001 Lambda would call again
            return Done([record["eventID"] for record in self._records], type(error).__name__)
        failed = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        first = failed[0] if failed else "~"
        again = [r for r in self._records if r["dynamodb"]["SequenceNumber"] >= first]
        self._records = again
        return Done([record["eventID"] for record in again])

    def compact(self) -> Done:
        """Hand the queue's messages to the compactor as a queue mapping does."""
        records = self._received()
        if not records:
            return Done()
        with self.watch():
            answer = compactor.lambda_handler({"Records": records}, _context())
        returned = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        for record in records:
            self._settle(record, again=record["messageId"] in returned)
        return Done(sorted(returned))

    def drain(self) -> Done:
        """Let the compactor empty the queue by itself."""
        try:
            with self.watch():
                report = compactor.lambda_handler({}, _context())
        except Exception as error:  # noqa: BLE001 the caller gets the error
            return Done(error=type(error).__name__)
        return Done(report["reasons"])

    def waiting(self) -> int:
        """Return how many messages are in the compaction queue, received ones included."""
        names: list[QueueAttributeNameType] = [
            "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible",
        ]  # fmt: skip
        found = self.clients.sqs.get_queue_attributes(
            QueueUrl=self.stack.queues.compaction.url,
            AttributeNames=names,
        )["Attributes"]
        return sum(int(found[name]) for name in names)

    def letters(self, url: str) -> list[str]:
        """Return the bodies in a dead-letter queue."""
        bodies = []
        while got := self.clients.sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=_RECEIVE, WaitTimeSeconds=0
        ).get("Messages"):
            bodies += [message["Body"] for message in got]
        return bodies

    def frozen(self) -> Frozen:
        """Return the content of the table, the bucket and the compaction queue."""
        bucket = self.stack.names.bucket
        listed = self.clients.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        objects = {
            each["Key"]: self.clients.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
            for each in listed
        }
        waiting, items = self._received(), self.items()
        for record in waiting:
            self._settle(record, again=True)
        messages = [record["body"] for record in waiting]
        return Frozen(
            items, objects, messages, self._records, self.embedded, frozenset(self.poison),
            self.malformed, self._deltas,
        )  # fmt: skip

    def thaw(self, frozen: Frozen) -> None:
        """Put in the content of another system."""
        for item in frozen.items:
            self.clients.dynamodb.put_item(TableName=self.stack.names.table, Item=item)
        for key, data in frozen.objects.items():
            self.clients.s3.put_object(Bucket=self.stack.names.bucket, Key=key, Body=data)
        for body in frozen.messages:
            self.send(body)
        self._records = list(frozen.records)
        self.embedded, self.poison = dict(frozen.embedded), set(frozen.poison)
        self.malformed, self._deltas = frozen.malformed, frozen.deltas

    def items(self) -> list[dict[str, Any]]:
        """Return every item of the table."""
        pages = self.clients.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.names.table, ConsistentRead=True
        )
        return [dict(item) for page in pages for item in page["Items"]]

    def reader(self, collection: Collection, s3: Any = None) -> SnapshotReader:
        """Return a reader with a folder of its own."""
        store = S3SnapshotStore(s3 or self.clients.s3, self.stack.names.bucket, collection)
        return SnapshotReader(store, collection, self.folder / f"reader-{uuid4()}")

    def forget(self) -> None:
        """Make both functions cold."""
        for module, names in (
            (compactor, ("_settings", "_telemetry", "_worker")),
            (stream_processor, ("_settings", "_telemetry", "_processor")),
        ):
            for name in names:
                getattr(module, name).cache_clear()

    def _note(self, pk: str, sk: str, event: str, image: dict[str, Any] | None) -> None:
        number = len(self._records) + 1
        data = {
            "ApproximateCreationDateTime": 1_769_860_800,
            "Keys": {"PK": {"S": pk}, "SK": {"S": sk}},
            "SequenceNumber": f"{number:021d}",
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        }
        if event != "INSERT":
            data["OldImage"] = {"text": {"S": "of before"}, "merchant_name": {"S": "of before"}}
        if image is not None:
            data["NewImage"] = image
        record = {"eventID": f"event-{number}", "eventName": event, "eventSource": "aws:dynamodb"}
        self._records.append({**record, "awsRegion": "us-east-1", "dynamodb": data})

    def _received(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while got := self.clients.sqs.receive_message(
            QueueUrl=self.stack.queues.compaction.url,
            MaxNumberOfMessages=_RECEIVE,
            WaitTimeSeconds=0,
        ).get("Messages"):
            found += [
                {
                    "messageId": message["MessageId"],
                    "receiptHandle": message["ReceiptHandle"],
                    "body": message["Body"],
                    "attributes": {"ApproximateReceiveCount": "1"},
                    "eventSource": "aws:sqs",
                }
                for message in got
            ]
        return found

    def _settle(self, record: Mapping[str, Any], *, again: bool) -> None:
        queue = {"QueueUrl": self.stack.queues.compaction.url}
        queue["ReceiptHandle"] = record["receiptHandle"]
        if again:
            self.clients.sqs.change_message_visibility(**queue, VisibilityTimeout=0)
        else:
            self.clients.sqs.delete_message(**queue)


@contextmanager
def system(
    clients: Clients, folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[System]:
    """Provision a system of its own, with cold functions in this process."""
    name = uuid4().hex[:12]
    stack = provision(clients, Names(f"l{name}"), _VISIBILITY)
    root = folder / name
    environment = {**stack.variables, **_VARIABLES, "WORKING_COPY_ROOT": str(root / "functions")}
    with patch.dict(os.environ, {**environment, **(variables or {})}):
        made = System(stack, root)
        made.forget()
        yield made
        made.forget()


def _context() -> Any:
    return SimpleNamespace(
        function_name="lost-answers",
        aws_request_id="lost-answers",
        get_remaining_time_in_millis=lambda: REMAINING_SECONDS * 1000,
    )
