"""`verify --search` on real Chroma: it reports what a plain look at the same index finds."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from receipt_index.chroma import ChromaIndex
from receipt_index.deltas import Vectors
from receipt_index.records import NewVector
from receipt_ops.verification.recall import DistinctVectors, Recall, measure
from receipt_sync.keys import Collection

_DIMENSION = 32


def words(distinct: int, repeated: int) -> list[Vectors]:
    """Return the vectors of words. The n-th distinct word stands on `repeated` / n receipts."""
    vectors = np.random.default_rng(1).normal(size=(distinct, _DIMENSION)).astype(np.float32)
    counts = [max(1, repeated // number) for number in range(1, distinct + 1)]
    rows = np.repeat(np.arange(distinct), counts)
    return [vectors[row] for row in np.random.default_rng(2).permutation(rows)]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ChromaIndex]:
    index = ChromaIndex(tmp_path / "chroma", Collection.WORDS)
    yield index
    index.close()


def stored(index: ChromaIndex, vectors: list[Vectors]) -> list[str]:
    ids = [f"id{number:05d}" for number in range(len(vectors))]
    index.insert([NewVector(i, v, i, {"text": i}) for i, v in zip(ids, vectors, strict=True)])
    return ids


def compared(index: ChromaIndex, folder: Path) -> Recall:
    recall, distinct = Recall(), DistinctVectors(folder)
    distinct.read(index, lambda _: None)
    measure(recall, index, distinct, range(distinct.count), examples=3)
    distinct.close()
    return recall


def test_words_that_repeat_break_the_default_graph_and_it_is_said(
    index: ChromaIndex, tmp_path: Path
) -> None:
    """The oracle compares positions of the stored vectors, and never a distance or an id's name."""
    vectors = words(distinct=600, repeated=900)
    ids = stored(index, vectors)
    number_of = {chroma_id: number for number, chroma_id in enumerate(ids)}
    missed = 0
    for vector in {v.tobytes(): v for v in vectors}.values():
        answers = index.search(vector, 10)
        missed += not any(np.array_equal(vectors[number_of[a.record.id]], vector) for a in answers)
    recall = compared(index, tmp_path)
    assert recall.distinct == 600
    assert (recall.missed, recall.is_good) == (missed, False)
    assert missed > 0, "the graph of this test is sound, so the test shows nothing"


def test_a_sound_graph_passes(index: ChromaIndex, tmp_path: Path) -> None:
    stored(index, words(distinct=400, repeated=1))
    recall = compared(index, tmp_path)
    assert (recall.searched, recall.missed, recall.is_good) == (400, 0, True)
