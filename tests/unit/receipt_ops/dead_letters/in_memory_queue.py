"""Dead letters and the places that they come from, in memory."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from receipt_index.deltas import VectorBatch
from receipt_ops.dead_letters.content import FailureRecord
from receipt_ops.dead_letters.queue import DeadLetter, Size
from receipt_ops.dead_letters.replaying import StreamGoneError
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta
from stream_processor.detection import EntityChange
from tests.support.fakes.system import InMemorySystem, line

KEYS = {"PK": {"S": "IMAGE#img"}, "SK": {"S": "RECEIPT#00001#LINE#00001"}}
MALFORMED = {"PK": {"S": "IMAGE#img"}, "SK": {"S": "RECEIPT#00001#LINE#x"}}
DELTA = Delta.of(Collection.LINES, "0" * 26, 1)
TABLE_ARN = "arn:aws:dynamodb:eu-west-1:1:table/receipts"
FAILURE = {
    "requestContext": {"condition": "RetryAttemptsExhausted"},
    "DDBStreamBatchInfo": {
        "shardId": "shard-1",
        "startSequenceNumber": "100",
        "endSequenceNumber": "102",
        "approximateArrivalOfFirstRecord": "2026-01-01T00:00:00Z",
        "approximateArrivalOfLastRecord": "2026-01-01T00:01:00Z",
        "batchSize": 3,
        "streamArn": f"{TABLE_ARN}/stream/2026-01-01",
    },
}


def dead_letter(body: Any, reason: str | None = None, message_id: str = "1") -> DeadLetter:
    text = body if isinstance(body, str) else json.dumps(body)
    return DeadLetter(message_id, text, {"reason": reason} if reason else {}, None, 5)


LINE = line(1)


def change_body(key: EntityKey = LINE) -> str:
    return InMemorySystem().change_body(key, "text")


class Deltas:
    """The delta objects and the collection behind a dead letter."""

    def __init__(
        self, batch: VectorBatch | None = None, *, deleted: bool = False, dimension: int | None = 2
    ) -> None:
        self._batch, self._deleted, self._dimension = batch, deleted, dimension

    def read(self, delta: Delta) -> VectorBatch:
        if self._batch is None:
            raise DeltaRefusedError(f"there is no object {delta.delta_key}")
        return self._batch

    def can_be_restored(self, delta: Delta) -> bool:
        return self._deleted

    def restore(self, delta: Delta) -> bool:
        deleted, self._deleted = self._deleted, False
        return deleted

    def dimension(self, collection: Collection) -> int | None:
        return self._dimension


def batch_of(dimension: int) -> VectorBatch:
    vectors = np.ones((1, dimension), np.float32)
    return VectorBatch(DELTA.delta_id, (line(1).chroma_id,), vectors, ("x",))


class InMemoryDeadLetterQueue:
    """Dead letters in memory. `log` has what was done, in its order."""

    def __init__(self, *ids: str) -> None:
        self.dead_letters = {i: DeadLetter(i, change_body()) for i in ids}
        self.log: list[tuple[str, list[str]]] = []
        self.elsewhere = 0

    def look(self, most: int) -> Iterator[DeadLetter]:
        yield from list(self.dead_letters.values())[:most]

    def size(self) -> Size:
        return Size(len(self.dead_letters), self.elsewhere)

    def let_go(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.log.append(("let go", [one.message_id for one in dead_letters]))

    def delete(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.log.append(("delete", [one.message_id for one in dead_letters]))

    def send(self, dead_letters: Sequence[DeadLetter]) -> None:
        self.log.append(("send", [one.message_id for one in dead_letters]))


class Changes:
    def __init__(self) -> None:
        self.sent: list[EntityChange] = []

    def send(self, changes: Sequence[EntityChange]) -> int:
        self.sent += changes
        return 1


def record(number: int, line_id: int = 1, text: str = "new") -> dict[str, Any]:
    keys = {"PK": {"S": "IMAGE#img"}, "SK": {"S": f"RECEIPT#00001#LINE#{line_id:05d}"}}
    return {
        "eventID": f"event-{number}",
        "eventName": "MODIFY",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Keys": keys,
            "OldImage": {**keys, "text": {"S": "old"}},
            "NewImage": {**keys, "text": {"S": text}},
            "SequenceNumber": str(number),
        },
    }


class Stream:
    """A stream that holds some records."""

    def __init__(self, *records: dict[str, Any]) -> None:
        self.records = records

    def between(self, _: FailureRecord) -> Iterator[dict[str, Any]]:
        if not self.records:
            raise StreamGoneError("gone")
        yield from self.records
