"""Which deltas the bucket keeps, what they hold, and which of them is a record's newest."""

import io
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)
from ulid import ULID, ULIDGenerator

from receipt_index.deltas import VectorBatch, encode
from receipt_ops.errors import AmbiguousDimensionError, FetchFailedError
from receipt_ops.repair.delta_index import DeltaIndex, StoredDelta
from receipt_ops.repair.delta_objects import S3DeltaObjects
from receipt_ops.repair.delta_rows import later, rows_of
from receipt_ops.repair.dimension_choice import (
    ChooseDimension,
    given_dimension,
    most_records,
    only_dimension,
)
from receipt_ops.repair.newest_vectors import NewestVectors, newest_vectors
from receipt_ops.repair.outline import Outline, read_outline
from receipt_ops.repair.ranged import BLOCK_BYTES, RangedFile
from receipt_sync.clock import epoch_ms
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line
from tests.unit.receipt_ops.fakes import InMemoryDeltas

LINES = Collection.LINES
DELTAS = [str(ULID.from_int(n)) for n in range(1, 10)]


def newest(objects: InMemoryDeltas, dimension: int | None = 2) -> NewestVectors:
    return NewestVectors(DeltaIndex(objects), objects, lambda _: dimension, ManualClock())


def test_a_record_gets_its_newest_delta_only_if_it_holds_an_older_one() -> None:
    objects = InMemoryDeltas()
    objects.put(DELTAS[1], "a", "b", "c")
    objects.put(DELTAS[2], "a")
    found = newest(objects).newer(LINES, {"a": DELTAS[1], "b": DELTAS[1], "c": "", "d": ""})
    assert found == {"a": DELTAS[2], "c": DELTAS[1]}


def test_no_delta_is_read_that_is_older_than_every_record_and_none_twice() -> None:
    objects = InMemoryDeltas()
    for delta_id in DELTAS:
        objects.put(delta_id, "a")
    answers = newest(objects)
    assert answers.newer(LINES, {"a": DELTAS[-1]}) == {}
    assert objects.outlined == []
    assert answers.newer(LINES, {"a": DELTAS[-3]}) == {"a": DELTAS[-1]}
    assert sorted(objects.outlined) == DELTAS[-2:]
    answers.refresh()
    answers.newer(LINES, {"a": DELTAS[-4]})
    assert sorted(objects.outlined) == DELTAS[-3:]
    assert objects.reads == [DELTAS[-1]], "only the one that is named is read whole"


def test_a_delta_that_came_since_is_seen_after_a_refresh() -> None:
    objects = InMemoryDeltas()
    answers = newest(objects)
    assert answers.newer(LINES, {"a": ""}) == {}
    objects.put(DELTAS[0], "a")
    answers.refresh()
    assert answers.newer(LINES, {"a": ""}) == {"a": DELTAS[0]}
    assert answers.newer(Collection.WORDS, {"a": ""}) == {}, "each collection has its own"


def made(days: float, number: int = 0) -> str:
    """Return the id of a delta that was made some days after now."""
    moment = ManualClock().now() + timedelta(days=days)
    return str(ULID.from_int((epoch_ms(moment) << 80) + number))


def test_a_delta_id_of_the_future_that_names_no_object_is_no_newest_vector() -> None:
    """A valid ULID was believed, so the record was "equal" and never took a newer vector."""
    objects = InMemoryDeltas()
    objects.put(made(-1), "damaged")
    objects.put(made(30), "fast clock", "also")
    held = {
        "damaged": made(30, 1),
        "damaged, and its own delta has expired": made(9_000),
        "fast clock": made(30),
        "expired": made(-400),
        "some minutes ahead": made(0.01),
    }
    found = newest(objects).newer(LINES, held)
    assert found == {"damaged": made(-1), "damaged, and its own delta has expired": ""}


def test_a_delta_of_the_future_that_came_since_is_seen_without_a_refresh() -> None:
    objects = InMemoryDeltas()
    answers = newest(objects)
    assert answers.newer(LINES, {"a": ""}) == {}
    objects.put(made(30), "a")
    assert answers.newer(LINES, {"a": made(30)}) == {}


def mixed() -> InMemoryDeltas:
    """Return deltas of two dimensions. The newest one has the dimension of fewer records."""
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], "a", dimension=2)
    objects.put(DELTAS[1], "a", "b", dimension=3)
    objects.put(DELTAS[2], "a", dimension=3)
    objects.put(DELTAS[3], "b", dimension=2)
    objects.put(DELTAS[4], "c", dimension=3)
    objects.put(DELTAS[5], "a", dimension=2)
    return objects


OF_THREE = {"a": DELTAS[2], "b": DELTAS[1], "c": DELTAS[4]}
EMPTY = dict.fromkeys("abc", "")


def test_of_an_empty_collection_the_dimension_of_most_records_counts() -> None:
    """The newest delta decided, although the compactor may have refused that one."""
    assert newest(mixed(), None).newer(LINES, EMPTY) == OF_THREE


def test_a_repair_of_an_empty_collection_chooses_no_dimension_itself() -> None:
    objects = mixed()
    answers = NewestVectors(
        DeltaIndex(objects), objects, lambda _: None, ManualClock(), only_dimension
    )
    with pytest.raises(AmbiguousDimensionError) as raised:
        answers.newer(LINES, EMPTY)
    assert str(raised.value) == (
        "receipt_lines never held a vector, and its deltas have several dimensions: 2 (2 records), "
        "3 (3 records). Choose one with `receipt-sync repair --dimension`"
    )


@pytest.mark.parametrize(("given", "found"), [(3, OF_THREE), (2, {"a": DELTAS[5], "b": DELTAS[3]})])
def test_the_given_dimension_decides_for_an_empty_collection(
    given: int, found: dict[str, str]
) -> None:
    objects = mixed()
    choose = given_dimension(given)
    answers = NewestVectors(DeltaIndex(objects), objects, lambda _: None, ManualClock(), choose)
    assert answers.newer(LINES, EMPTY) == found
    with pytest.raises(AmbiguousDimensionError, match=r"no delta of receipt_lines has 7 dimens"):
        NewestVectors(
            DeltaIndex(objects), objects, lambda _: None, ManualClock(), given_dimension(7)
        ).newer(LINES, EMPTY)


@pytest.mark.parametrize("choose", [only_dimension, given_dimension(7), most_records])
def test_a_single_dimension_needs_no_choice(choose: ChooseDimension) -> None:
    objects = InMemoryDeltas()
    objects.put(DELTAS[0], "a", dimension=2)
    answers = NewestVectors(DeltaIndex(objects), objects, lambda _: None, ManualClock(), choose)
    assert answers.newer(LINES, EMPTY) == {"a": DELTAS[0]}


def test_a_dimension_that_was_published_since_replaces_the_choice() -> None:
    """A delta that was left out while the collection was empty is found afterwards."""
    published: list[int | None] = [None]
    objects = mixed()
    answers = NewestVectors(DeltaIndex(objects), objects, lambda _: published[0], ManualClock())
    assert answers.newer(LINES, EMPTY) == OF_THREE
    published[0] = 2
    answers.refresh()
    assert answers.newer(LINES, EMPTY) == {"a": DELTAS[5], "b": DELTAS[3]}
    assert answers.refused(LINES) == [DELTAS[4]], "only a delta that was looked at is named"


def test_a_broken_object_is_named_and_an_object_that_no_caller_needs_is_not_read() -> None:
    objects = InMemoryDeltas(broken=[DELTAS[1]])
    objects.put(DELTAS[0], "a")
    objects.put(DELTAS[1], "a")
    with newest_vectors(objects, lambda _: 2, ManualClock()) as answers:
        assert answers.newer(LINES, {}) == {}
        assert objects.outlined == []
        assert answers.newer(LINES, {"a": ""}) == {"a": DELTAS[0]}
        assert answers.refused(LINES) == [DELTAS[1]]
        assert answers.vectors(LINES, DELTAS[0]) == 1


def batch(rows: int, dimension: int = 3) -> VectorBatch:
    ids = tuple(line(n).chroma_id for n in range(rows))
    vectors = np.ones((rows, dimension), np.float32)
    return VectorBatch(DELTAS[0], ids, vectors, tuple("text" for _ in ids))


class Stored:
    """An S3 client with one object; counts the bytes that it gave out."""

    def __init__(self, data: bytes) -> None:
        self.data, self.given = data, 0

    def get_object(self, Range: str = "", **_: Any) -> dict[str, Any]:  # noqa: N803 as boto3
        start, end = 0, len(self.data)
        if Range:
            start, last = map(int, Range.removeprefix("bytes=").split("-"))
            end = last + 1
        if start >= len(self.data) and Range:
            raise ClientError({"Error": {"Code": "InvalidRange"}}, "GetObject")
        some = self.data[start:end]
        self.given += len(some)
        return {"ContentLength": len(some), "Body": io.BytesIO(some)}


@pytest.mark.parametrize(("rows", "dimension"), [(2, 3), (5_000, 384)])
def test_the_outline_of_a_delta_is_read_without_its_vectors(rows: int, dimension: int) -> None:
    content = batch(rows, dimension)
    client: Any = Stored(encode(content))
    objects = S3DeltaObjects(client, "bucket")
    found = objects.outline(LINES, StoredDelta(DELTAS[0], len(client.data)))
    assert found == Outline(content.ids, dimension)
    assert client.given <= max(len(client.data), 0) if rows < 10 else client.given < 6 * BLOCK_BYTES


@pytest.mark.parametrize("data", [b"", b"junk", encode(batch(2))[:-40]])
def test_an_outline_of_what_is_no_delta_is_refused(data: bytes) -> None:
    client: Any = Stored(data)
    with pytest.raises(DeltaRefusedError):
        S3DeltaObjects(client, "b").outline(LINES, StoredDelta(DELTAS[0], max(1, len(data))))
    with pytest.raises(DeltaRefusedError):
        read_outline(io.BytesIO(data))


def test_a_ranged_file_gives_the_same_bytes_as_the_file() -> None:
    content = Random(1).randbytes(3 * BLOCK_BYTES + 17)
    file = RangedFile(len(content), lambda start, end: content[start:end])
    whole = io.BytesIO(content)
    for _ in range(200):
        place, size = Random(_).randrange(len(content) + 9), Random(_).randrange(2 * BLOCK_BYTES)
        file.seek(place), whole.seek(place)
        assert file.read(size) == whole.read(size)
    file.seek(-5, io.SEEK_END)
    assert (file.read(), file.tell()) == (content[-5:], len(content))


def test_a_delta_object_is_read_with_its_own_count_and_a_broken_one_refused() -> None:
    client: Any = Stored(encode(batch(2)))
    assert S3DeltaObjects(client, "bucket").read(LINES, DELTAS[0]).ids == batch(2).ids
    client.data = b"junk"
    with pytest.raises(DeltaRefusedError):
        S3DeltaObjects(client, "bucket").read(LINES, DELTAS[0])


class Bucket:
    """An S3 client with some objects, two a page, in the order of their keys as S3 has it."""

    def __init__(self, *keys: str) -> None:
        self.keys = sorted(keys)

    def get_paginator(self, _: str) -> "Bucket":
        return self

    def paginate(
        self,
        Bucket: str,  # noqa: N803 as boto3 calls it
        Prefix: str,  # noqa: N803
        StartAfter: str = "",  # noqa: N803
    ) -> Iterator[dict[str, object]]:
        keys = [key for key in self.keys if key.startswith(Prefix) and key > StartAfter]
        found = [{"Key": key, "Size": 7} for key in keys]
        for at in range(0, len(found) + 1, 2):
            yield {"Contents": found[at : at + 2]} if found[at : at + 2] else {}


def test_objects_that_are_no_deltas_of_the_collection_are_passed_over() -> None:
    """`made-by-hand.npz` ended the command with a traceback."""
    names = [f"deltas/receipt_lines/{delta_id}.npz" for delta_id in DELTAS[:3]]
    others = (
        "made-by-hand.npz",
        f"{DELTAS[4]}.txt",
        "01arz3ndektsv4rrffq69g5fav.npz",
        "x/y.npz",
        "",
    )
    strange = [f"deltas/receipt_lines/{name}" for name in others]
    client: Any = Bucket(*names, *strange, f"deltas/receipt_words/{DELTAS[5]}.npz")
    objects = S3DeltaObjects(client, "bucket")
    assert list(objects.listed(LINES)) == [StoredDelta(one, 7) for one in DELTAS[:3]]
    assert [one.id for one in objects.listed(LINES, after=DELTAS[0])] == DELTAS[1:3]


def test_rows_are_newer_than_their_delta_and_older_than_what_is_made_later() -> None:
    made, after = str(ULID()), str(ULID.from_timestamp(ULID().timestamp + 1))
    source = VectorBatch(made, ("a", "b", "c"), np.ones((3, 2), np.float32), ("x", "y", "z"))
    rows = rows_of(source, {"c", "a"}, Random(1))
    assert (rows.ids, rows.texts) == (("a", "c"), ("x", "z"))
    assert made < rows.delta_id < after


def test_rows_do_not_take_the_next_id_which_a_producer_may_have_given_to_another_delta() -> None:
    """A generator that makes several in one millisecond counts up."""
    ids = ULIDGenerator()
    made = [str(ids.generate()) for _ in range(300)]
    neighbours = [(a, b) for a, b in pairwise(made) if a[:10] == b[:10]]
    assert neighbours
    randomness = Random(7)
    chosen = {later(a, randomness) for a, _ in neighbours for _ in range(3)}
    assert not chosen.intersection(made)
    assert len(chosen) == 3 * len(neighbours), "each time another one"


def test_the_last_id_of_a_millisecond_is_followed_by_the_next_one() -> None:
    last = str(ULID.from_int((5 << 80) - 1))
    assert later(last, Random(1)) > last


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="s3"),
        ConnectTimeoutError(endpoint_url="s3"),
        SSLError(endpoint_url="s3", error=OSError("broken")),
        ResponseStreamingError(error="reset"),
        ConnectionResetError(),
        ClientError({"Error": {"Code": "SlowDown"}}, "GetObject"),
    ],
)
@pytest.mark.parametrize("in_the_body", [True, False])
def test_a_delta_that_can_not_be_fetched_is_not_taken_for_a_broken_one(
    error: Exception, *, in_the_body: bool
) -> None:
    """botocore's time-outs are OSErrors. A broken delta is passed over, as if it never was."""

    class Client:
        def get_object(self, **_: Any) -> Any:
            if not in_the_body:
                raise error
            return {"Body": type("Body", (), {"read": self.read})()}

        def read(self, *_: Any) -> bytes:
            raise error

    client: Any = Client()
    objects = S3DeltaObjects(client, "b")
    with pytest.raises((FetchFailedError, ClientError, ResponseStreamingError)):
        objects.outline(LINES, StoredDelta(DELTAS[0], 1_000))
