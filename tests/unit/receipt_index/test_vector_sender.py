"""Vectors as an embedding pipeline sends them, and the sentences that refuse wrong ones."""

from random import Random
from typing import Any

import numpy as np
import pytest

from receipt_index.delta_sender import DeltaSender
from receipt_index.deltas import decode
from receipt_index.vector_sender import VECTORS_A_DELTA, VectorSender, new_ids
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, read_message
from receipt_sync.retries.retry_until_accepted import RetryUntilAccepted
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_index.test_delta_sender import Bucket, Queue

KEYS = [EntityKey("img", 1, 1), EntityKey("img", 1, 2)]
VECTORS = np.array([[1, 0], [0, 1]], np.float32)
TEXTS = ["a", "b"]


class Pipeline:
    """A VectorSender on a bucket and a queue in memory."""

    def __init__(self) -> None:
        self.bucket, self.queue = Bucket(), Queue([])
        self.sender = VectorSender(
            DeltaSender(
                self.bucket,  # type: ignore[arg-type]
                "bucket",
                self.queue,  # type: ignore[arg-type]
                "https://sqs/queue",
                RetryUntilAccepted(ManualClock(), Random(0)),
                new_id=new_ids(),
            )
        )

    def content(self, delta: Delta) -> Any:
        return decode(self.bucket.objects["bucket", delta.delta_key], delta)

    @property
    def nothing_stored(self) -> bool:
        return not self.bucket.objects and not self.queue.bodies


@pytest.fixture
def pipeline() -> Pipeline:
    return Pipeline()


@pytest.mark.parametrize("keys", [KEYS, [key.chroma_id for key in KEYS]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_the_compactor_reads_what_was_sent(pipeline: Pipeline, keys: Any, dtype: Any) -> None:
    (delta,) = pipeline.sender.send("receipt_lines", keys, VECTORS.astype(dtype), TEXTS)
    batch = pipeline.content(delta)
    assert batch.keys == tuple(KEYS)
    assert batch.texts == ("a", "b")
    assert batch.vectors.dtype == np.float32
    assert np.array_equal(batch.vectors, VECTORS)
    assert [read_message(body).delta for body in pipeline.queue.bodies] == [delta]


def test_the_model_is_in_the_message_only_if_it_is_given(pipeline: Pipeline) -> None:
    pipeline.sender.send(Collection.LINES, KEYS, VECTORS, TEXTS)
    pipeline.sender.send(Collection.LINES, KEYS, VECTORS, TEXTS, model="mini-lm 2.1")
    first, second = pipeline.queue.bodies
    assert '"model"' not in first
    assert '"model":"mini-lm 2.1"' in second


def test_many_vectors_become_several_deltas_in_the_order_of_their_ids(pipeline: Pipeline) -> None:
    count = VECTORS_A_DELTA + 1
    keys = [EntityKey("img", 1, line) for line in range(count)]
    vectors = np.ones((count, 2), np.float32)
    sent = pipeline.sender.send(Collection.LINES, keys, vectors, ["a"] * count)
    assert [delta.vector_count for delta in sent] == [VECTORS_A_DELTA, 1]
    assert [key for delta in sent for key in pipeline.content(delta).keys] == keys
    assert sent[0].delta_id < sent[1].delta_id
    assert len(pipeline.queue.bodies) == 2


def test_long_texts_are_divided_so_that_the_compactor_accepts_each_delta(
    pipeline: Pipeline,
) -> None:
    texts = ["\x01" * 350_000, "\x01" * 350_000]  # JSON writes six bytes for each character.
    sent = pipeline.sender.send(Collection.LINES, KEYS, VECTORS, texts)
    assert [pipeline.content(delta).texts for delta in sent] == [(texts[0],), (texts[1],)]


def test_no_vector_is_nothing_to_send(pipeline: Pipeline) -> None:
    assert pipeline.sender.send(Collection.LINES, [], np.zeros((0, 2), np.float32), []) == ()
    assert pipeline.nothing_stored


def test_an_object_whose_answer_was_lost_is_no_error(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, calls = pipeline.bucket.put_object, []

    def repeated_by_the_sdk(**arguments: Any) -> None:
        calls.append(arguments["Key"])
        put(**arguments)
        if len(calls) == 1:
            put(**arguments)  # The first answer is lost. The second try meets the object.

    monkeypatch.setattr(pipeline.bucket, "put_object", repeated_by_the_sdk)
    (delta,) = pipeline.sender.send(Collection.LINES, KEYS, VECTORS, TEXTS)
    assert pipeline.content(delta).keys == tuple(KEYS)
    assert len(pipeline.queue.bodies) == 1


WORD = EntityKey("img", 1, 1, 1)
HUGE = np.array([[1e300, 0], [0, 1]])
LONG = np.array([[1e20, 0], [0, 1]], np.float32)
NAN = np.array([[1, 0], [0, np.nan]], np.float32)


@pytest.mark.parametrize(
    ("keys", "vectors", "texts", "sentence"),
    [
        (KEYS[:1], VECTORS, TEXTS, "1 keys, 2 vectors and 2 texts"),
        (KEYS, VECTORS, ["a"], "2 keys, 2 vectors and 1 texts"),
        (KEYS, VECTORS[0], TEXTS, r"the shape \(2,\)"),
        (KEYS, VECTORS[:, :0], TEXTS, r"the shape \(2, 0\)"),
        (KEYS, np.zeros((2, 16_385), np.float32), TEXTS, "16384"),
        (KEYS, VECTORS.astype(np.int64), TEXTS, "of the type int64"),
        (KEYS, VECTORS.astype(object), TEXTS, "of the type object"),
        (KEYS, VECTORS.tolist(), TEXTS, "of the type list"),
        (KEYS, NAN, TEXTS, "vector 1, of IMAGE#img#RECEIPT#00001#LINE#00002, holds NaN"),
        (KEYS, HUGE, TEXTS, "vector 0, of .* infinite in float32"),
        (KEYS, LONG, TEXTS, "has the length 1e"),
        ([KEYS[0], KEYS[0].chroma_id], VECTORS, TEXTS, "keys 0 and 1 are both"),
        ([KEYS[0], WORD], VECTORS, TEXTS, "key 1, .* belongs to receipt_words"),
        ([KEYS[0], EntityKey("img", 1)], VECTORS, TEXTS, "key 1: "),
        ([KEYS[0], "IMAGE#img#RECEIPT#1#LINE#2"], VECTORS, TEXTS, "key 1: "),
        ([KEYS[0], 7], VECTORS, TEXTS, "key 1 is of the type int"),
        (KEYS, VECTORS, ["a", None], "text 1 is of the type NoneType"),
        (KEYS, VECTORS, ["a", "b\ud800"], "text 1 holds a lone surrogate"),
        (KEYS, VECTORS, ["a", "\x01" * 450_000], "text 1 has 2700002 bytes"),
    ],
)
def test_what_the_compactor_would_refuse_is_refused_before_anything_is_stored(
    pipeline: Pipeline, keys: Any, vectors: Any, texts: Any, sentence: str
) -> None:
    with pytest.raises(DeltaRefusedError, match=sentence) as caught:
        pipeline.sender.send(Collection.LINES, keys, vectors, texts)
    assert pipeline.nothing_stored
    assert "\x01" not in str(caught.value)


def test_an_unknown_collection_is_refused(pipeline: Pipeline) -> None:
    with pytest.raises(ValueError, match="receipt_pages"):
        pipeline.sender.send("receipt_pages", KEYS, VECTORS, TEXTS)


@pytest.mark.parametrize("model", ["", "m" * 257, 7])
def test_a_model_has_a_short_name(pipeline: Pipeline, model: Any) -> None:
    with pytest.raises(DeltaRefusedError, match="1 to 256 characters"):
        pipeline.sender.send(Collection.LINES, KEYS, VECTORS, TEXTS, model=model)
    assert pipeline.nothing_stored
