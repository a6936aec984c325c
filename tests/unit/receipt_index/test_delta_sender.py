"""Deltas as a producer sends them, read back as the compactor does."""

from itertools import count
from random import Random
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError

from receipt_index.delta_sender import DeltaSender
from receipt_index.deltas import VectorBatch, decode
from receipt_sync.errors import DeltaExistsError, QueueSendError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, read_message
from receipt_sync.retries.retry_until_accepted import RetryUntilAccepted
from tests.support.fakes.clock import ManualClock

KEYS = [EntityKey("img", 1, 1), EntityKey("img", 1, 2)]
VECTORS = np.array([[1, 0], [0, 1]], np.float32)


class Bucket:
    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def put_object(
        self,
        Bucket: str,  # noqa: N803 as boto3 calls it
        Key: str,  # noqa: N803
        Body: bytes,  # noqa: N803
        IfNoneMatch: str = "",  # noqa: N803
    ) -> None:
        if IfNoneMatch == "*" and (Bucket, Key) in self.objects:
            refusal: Any = {"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 412}}
            raise ClientError(refusal, "PutObject")
        self.objects[Bucket, Key] = Body


class Queue:
    """Refuses the entries named for each call in turn, with this SenderFault."""

    def __init__(self, refusals: list[set[str]], *, sender_fault: bool = False) -> None:
        self.refusals, self.sender_fault = refusals, sender_fault
        self.bodies: list[str] = []
        self.sizes: list[int] = []

    def send_message_batch(self, QueueUrl: str, Entries: Any) -> Any:  # noqa: N803
        assert QueueUrl == "https://sqs/queue"
        refused = self.refusals.pop(0) if self.refusals else set()
        self.sizes.append(len(Entries))
        self.bodies += [e["MessageBody"] for e in Entries if e["Id"] not in refused]
        failed = [
            {"Id": e["Id"], "Code": "InternalError", "SenderFault": self.sender_fault}
            for e in Entries
            if e["Id"] in refused
        ]
        return {"Successful": [], "Failed": failed} if failed else {"Successful": []}


def sender(queue: Queue, bucket: Bucket | None = None) -> DeltaSender:
    numbers = count(1)
    return DeltaSender(
        bucket or Bucket(),  # type: ignore[arg-type]
        "bucket",
        queue,  # type: ignore[arg-type]
        "https://sqs/queue",
        RetryUntilAccepted(ManualClock(), Random(0)),
        new_id=lambda: f"{next(numbers):026d}",
    )


def deltas(number: int) -> list[Delta]:
    return [Delta.of(Collection.LINES, f"{n:026d}", 1) for n in range(number)]


def sent(queue: Queue) -> list[str]:
    found = [read_message(body).delta for body in queue.bodies]
    return sorted(delta.delta_id for delta in found if delta is not None)


def test_the_compactor_reads_what_the_producer_put() -> None:
    bucket = Bucket()
    delta = sender(Queue([]), bucket).put(Collection.LINES, KEYS, VECTORS, ["a", "b"])
    batch = decode(bucket.objects["bucket", delta.delta_key], delta)
    assert batch.keys == tuple(KEYS)
    assert batch.texts == ("a", "b")
    assert np.array_equal(batch.vectors, VECTORS)
    assert delta.vector_count == 2


def test_a_message_is_one_that_the_compactor_takes() -> None:
    queue = Queue([])
    sender(queue).send(deltas(1))
    assert read_message(queue.bodies[0]).delta == deltas(1)[0]


def test_ten_messages_a_call() -> None:
    queue = Queue([])
    sender(queue).send(deltas(25))
    assert queue.sizes == [10, 10, 5]
    assert len(sent(queue)) == 25


def test_refused_entries_alone_are_sent_again_until_all_are_taken() -> None:
    queue = Queue([{"1", "3"}, {"0"}])
    sender(queue).send(deltas(4))
    assert queue.sizes == [4, 2, 1]
    assert sent(queue) == [delta.delta_id for delta in deltas(4)]


def test_a_refusal_that_is_our_fault_is_final() -> None:
    with pytest.raises(QueueSendError, match="InternalError"):
        sender(Queue([{"0"}], sender_fault=True)).send(deltas(2))


def test_a_queue_that_never_takes_anything_is_given_up() -> None:
    queue = Queue([{"0"}] * 10_000)
    with pytest.raises(QueueSendError, match="did not accept 1 delta"):
        sender(queue).send(deltas(1))


def test_a_delta_never_overwrites_another_one() -> None:
    bucket = Bucket()
    first = sender(Queue([]), bucket).put(Collection.LINES, KEYS, VECTORS, ["a", "b"])
    before = dict(bucket.objects)
    batch = VectorBatch(first.delta_id, (KEYS[0].chroma_id,), VECTORS[:1], ("c",))
    with pytest.raises(DeltaExistsError, match="send the delta under another id"):
        sender(Queue([]), bucket).store(Collection.LINES, batch)
    assert bucket.objects == before
