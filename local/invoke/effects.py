"""Prepares a local AWS for an event, and checks the effect of the invocation."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from local.errors import LocalAWSError
from local.invoke.cases import DELTA_IDS, RECORDS, TABLE, CompactorCase, Item, StreamCase
from local.stack import Stack
from receipt_index.deltas import VectorBatch, encode
from receipt_ops.connection import connect
from receipt_ops.readers import snapshot_readers
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import delta_key, read_message


class EffectError(LocalAWSError):
    """An invocation did not have the effect that its case expects."""


class Effects:
    """Works on a stack without deployed functions. No other consumer receives the messages."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._clients = stack, stack.clients()
        self._connection = connect(stack.variables, Path())

    def prepare(self, case: StreamCase | CompactorCase) -> None:
        """Write the items and deltas that must exist before the event."""
        if isinstance(case, StreamCase):
            return
        for key, item in case.writes.items():
            self._write(key, item)
        if case.event == "compactor-embedding-delta":
            for collection in DELTA_IDS:
                self._put_delta(collection)

    def check(self, case: StreamCase | CompactorCase) -> None:
        """Raise EffectError unless the queues and the snapshot are as the case expects."""
        queues = self._stack.queues
        if isinstance(case, StreamCase):
            bodies = [message["Body"] for message in self._taken(queues.compaction.url)]
            changes = [change for body in bodies for change in read_message(body).changes]
            found = {(change.event_name, change.key) for change in changes}
            _expect("queued", found, set(case.queued))
            _expect("parked", self._parked(queues.stream_dlq.url), case.parked)
        else:
            for key, expected in case.published.items():
                _expect(key.chroma_id, self._published(key, expected), expected)
            _expect("parked", self._parked(queues.compaction_dlq.url), case.parked)

    def _write(self, key: EntityKey, item: Item | None) -> None:
        table = self._stack.names.table
        keys = {"PK": {"S": key.pk}, "SK": {"S": key.sk}}
        if item is None:
            self._clients.dynamodb.delete_item(TableName=table, Key=keys)
            return
        attributes: Any = {name: {"S": value} for name, value in item.items()}
        self._clients.dynamodb.put_item(TableName=table, Item={**keys, **attributes})

    def _put_delta(self, collection: Collection) -> None:
        keys = [key for key in RECORDS if key.collection is collection]
        vectors = np.ones((len(keys), 8), np.float32)
        ids, texts = tuple(k.chroma_id for k in keys), tuple(TABLE[k]["text"] for k in keys)
        delta_id = DELTA_IDS[collection]
        self._clients.s3.put_object(
            Bucket=self._stack.names.bucket,
            Key=delta_key(collection, delta_id),
            Body=encode(VectorBatch(delta_id, ids, vectors, texts)),
        )

    def _published(self, key: EntityKey, expected: Item | None) -> Item | None:
        """Return the expected fields of a record, as a reader of the snapshot finds them."""
        collection = key.collection
        assert collection is not None
        with snapshot_readers(self._connection, [collection]) as readers:
            readers[collection].refresh()
            record = readers[collection].get([key.chroma_id]).get(key.chroma_id)
        return None if record is None else {n: record.metadata.get(n) for n in expected or ()}

    def _parked(self, url: str) -> int:
        messages = list(self._taken(url))
        if not all("reason" in message.get("MessageAttributes", {}) for message in messages):
            raise EffectError("a parked message has no reason")
        return len(messages)

    def _taken(self, url: str) -> Iterator[Any]:
        """Yield every message of a queue, and delete it from the queue."""
        sqs = self._clients.sqs
        while True:
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0,
                MessageAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                return
            for message in answer["Messages"]:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield message


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise EffectError(f"{what}: expected {expected}, found {found}")
