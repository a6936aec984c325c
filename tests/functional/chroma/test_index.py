"""The index adapter on real Chroma: the semantics on which the plan relies."""

import ctypes
import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from compactor.cycle.plan import Plan
from compactor.cycle.readback import read_back
from receipt_index.chroma import ChromaIndex
from receipt_index.records import Metadata, NewVector, Scalar
from receipt_sync.errors import IndexFailedError, ReadBackError
from receipt_sync.keys import Collection

DIMENSION = 8


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ChromaIndex]:
    opened = ChromaIndex(tmp_path, Collection.LINES)
    yield opened
    opened.close()


class Mallinfo(ctypes.Structure):
    """What mallinfo2(3) returns, in bytes."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def bytes_in_use() -> int:
    """Return the bytes that malloc has given out and that were not freed."""
    gc.collect()
    mallinfo2 = ctypes.CDLL(None).mallinfo2
    mallinfo2.restype = Mallinfo
    info = mallinfo2()
    return int(info.uordblks + info.hblkhd)


def vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).random(DIMENSION, dtype=np.float32)


def new(number: int, **metadata: Scalar | None) -> NewVector:
    return NewVector(f"id-{number}", vector(number), f"text {number}", {"n": number, **metadata})


def test_update_merges_and_none_deletes_a_key(index: ChromaIndex) -> None:
    index.insert([new(1, merchant_name="Cafe", is_noise=False)])
    index.update({"id-1": {"merchant_name": None, "confidence": 0.5}})
    record = index.get(["id-1"])["id-1"]
    assert record.metadata == {"n": 1, "is_noise": False, "confidence": 0.5}
    assert record.document == "text 1"


def test_a_tombstone_of_a_new_record_is_left_out(index: ChromaIndex) -> None:
    index.insert([new(1, merchant_name=None)])
    assert index.get(["id-1"])["id-1"].metadata == {"n": 1}


def test_replacing_a_vector_changes_vector_document_and_metadata(index: ChromaIndex) -> None:
    index.insert([new(1, embedding_stale=True)])
    index.replace_vectors([NewVector("id-1", vector(2), "new", {"embedding_stale": None})])
    record = index.get(["id-1"])["id-1"]
    assert (record.document, dict(record.metadata)) == ("new", {"n": 1})
    (match,) = index.search(vector(2), 1)
    assert match.distance == pytest.approx(0, abs=1e-5)


def test_what_is_not_there_is_not_there(index: ChromaIndex) -> None:
    index.insert([new(1)])
    assert set(index.get(["id-1", "id-9"])) == {"id-1"}
    index.delete(["id-1", "id-9"])
    assert index.count() == 0


def test_more_records_than_one_call_may_carry(index: ChromaIndex) -> None:
    records = [NewVector(f"id-{n}", vector(n), "t", {"n": n}) for n in range(6_000)]
    index.insert(records)
    index.update({f"id-{n}": {"m": n} for n in range(6_000)})
    assert len(index.get([f"id-{n}" for n in range(6_000)])) == 6_000
    assert len(set(index.ids())) == 6_000


def test_the_dimension_is_that_of_the_first_vector(index: ChromaIndex) -> None:
    assert index.dimension() is None
    index.insert([new(1)])
    assert index.dimension() == DIMENSION
    with pytest.raises(IndexFailedError):
        index.insert([NewVector("id-2", np.ones(3, np.float32), "t", {"n": 2})])


def test_a_collection_keeps_its_dimension_when_its_last_record_is_deleted(
    index: ChromaIndex,
) -> None:
    index.insert([new(1)])
    index.delete(["id-1"])
    assert (index.count(), index.dimension()) == (0, DIMENSION)
    with pytest.raises(IndexFailedError):
        index.insert([NewVector("id-2", np.ones(3, np.float32), "t", {"n": 2})])


@pytest.mark.parametrize(
    "text", ["", "\x00", "a\x00b", "\U0001f9fe\u202e", "x" * 400_000, "line\nbreak\r\n", "'\";--"]
)
def test_odd_but_legal_text_is_read_back_as_it_was(index: ChromaIndex, text: str) -> None:
    record = NewVector("id-1", vector(1), text, {"text": text})
    index.insert([record])
    read_back(index, Plan(insert=[record]))


def test_ids_and_numbers_of_the_largest_legal_size_are_read_back(index: ChromaIndex) -> None:
    metadata: Metadata = {"big": 2**63 - 1, "small": -(2**63), "float": 1e308, "tiny": 5e-324}
    record = NewVector("IMAGE#" + "i" * 1000, vector(1), "t", metadata)
    index.insert([record])
    read_back(index, Plan(insert=[record]))


def test_every_float_is_read_back_as_far_as_chroma_keeps_it(index: ChromaIndex) -> None:
    """Chroma changes the last place of one float in ten. That is no fault of the write."""
    floats = np.random.default_rng(1).random(2_000) * 10.0 ** np.arange(2_000).__mod__(12)
    records = [
        NewVector(f"id-{n}", vector(n), "t", {"confidence": float(value)})
        for n, value in enumerate(floats)
    ]
    index.insert(records)
    read_back(index, Plan(insert=records))


def test_read_back_finds_what_was_lost(index: ChromaIndex) -> None:
    written = new(1)
    index.insert([written])
    index.update({"id-1": {"n": 2}})
    with pytest.raises(ReadBackError, match="differs from what was written in n"):
        read_back(index, Plan(insert=[written]))
    with pytest.raises(ReadBackError, match="not there"):
        read_back(index, Plan(update={"id-7": {"n": 1}}))
    with pytest.raises(ReadBackError, match="still there"):
        read_back(index, Plan(delete=["id-1"]))


def test_chromas_own_errors_name_no_value(index: ChromaIndex) -> None:
    with pytest.raises(IndexFailedError) as caught:
        index.update({"id-1": {"text": "SECRET\ud800"}})
    assert "SECRET" not in str(caught.value)


def test_memory_does_not_follow_the_number_of_different_batch_sizes(index: ChromaIndex) -> None:
    """Chroma's connections keep the SQL statements of each size of a batch."""
    ids = [f"id-{n}" for n in range(4_000)]
    index.insert([NewVector(one, vector(1), "t", {"n": 1}) for one in ids])
    for size in range(2_000, 4_000, 40):
        index.get(ids[:size])
    before = bytes_in_use()
    for size in range(3_012, 4_000, 25):
        assert len(index.get(ids[:size])) == size
    assert bytes_in_use() - before < 16 * 2**20
