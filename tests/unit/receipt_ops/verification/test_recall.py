"""The comparison of an index's search with the exact search, on indexes whose faults are known."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest

from receipt_index.deltas import Vectors
from receipt_index.records import Match, Record
from receipt_ops.verification.recall import (
    DistinctVectors,
    Recall,
    SearchVerdict,
    chosen_rows,
    measure,
)
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection


class ExactIndex:
    """Searches exactly, except for what a test takes away from it."""

    def __init__(self, stored: dict[str, Vectors]) -> None:
        self.stored = stored
        self.hidden: set[str] = set()
        """Ids that no search returns."""
        self.lost: set[str] = set()
        """Ids whose vectors cannot be read."""

    def ids(self) -> Iterator[str]:
        yield from list(self.stored)

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        if self.lost & set(ids):
            raise IndexFailedError("Chroma's get failed: InternalError")
        return {i: self.stored[i] for i in ids if i in self.stored}

    def search(self, vector: Vectors, limit: int) -> list[Match]:
        def distance(other: Vectors) -> float:
            lengths = float(np.linalg.norm(vector) * np.linalg.norm(other))
            return 1 - float(np.dot(vector, other)) / (lengths or 1)

        found = [
            Match(Record(i, {}, None), distance(stored))
            for i, stored in self.stored.items()
            if i not in self.hidden | self.lost
        ]
        return sorted(found, key=lambda match: match.distance)[:limit]


def compared(index: ExactIndex, folder: Path, share: float | None = None) -> Recall:
    recall, distinct = Recall(), DistinctVectors(folder / "vectors")
    distinct.read(index, lambda _: None)
    rows = chosen_rows(len(distinct.ids), share, Random(1))
    measure(recall, index, distinct, rows, examples=2)
    return recall


def scattered(count: int, dimension: int = 8) -> dict[str, Vectors]:
    vectors = np.random.default_rng(1).normal(size=(count, dimension)).astype(np.float32)
    return {f"id{number}": vector for number, vector in enumerate(vectors)}


def test_an_exact_search_finds_all(tmp_path: Path) -> None:
    recall = compared(ExactIndex(scattered(700)), tmp_path)
    assert (recall.distinct, recall.searched, recall.missed) == (700, 700, 0)
    assert recall.mean == 1
    assert recall.is_good


def test_a_record_that_no_search_returns_is_missed(tmp_path: Path) -> None:
    index = ExactIndex(scattered(300))
    index.hidden = {"id7", "id8", "id9"}
    recall = compared(index, tmp_path)
    assert (recall.missed, recall.examples) == (3, ["id7", "id8"])
    assert not recall.is_good


def test_a_neighbour_that_is_missing_lowers_the_recall_of_those_beside_it(tmp_path: Path) -> None:
    """The independent oracle counts in whose ten nearest records the hidden one belongs."""
    stored = scattered(300)
    index = ExactIndex(stored)
    index.hidden = {"id7"}
    units = np.stack([v / np.linalg.norm(v) for v in stored.values()]).astype(np.float64)
    nearest = np.argsort(-(units @ units.T), axis=1)[:, :10]
    recall = compared(index, tmp_path)
    assert recall.mean == pytest.approx(1 - (nearest == 7).any(axis=1).sum() / 10 / 300)


def test_any_record_of_an_equal_vector_is_the_answer(tmp_path: Path) -> None:
    """A word that stands on 500 receipts has 500 equal vectors, of different lengths."""
    stored = scattered(40)
    word = stored["id0"]
    stored |= {f"same{number}": word * np.float32(1 + number) for number in range(500)}
    index = ExactIndex(stored)
    index.hidden = {"id0"}
    recall = compared(index, tmp_path)
    assert (recall.missed, recall.mean) == (0, 1)


def test_equal_vectors_are_searched_for_once(tmp_path: Path) -> None:
    vector = np.ones(4, np.float32)
    recall = compared(ExactIndex({f"id{number}": vector for number in range(50)}), tmp_path)
    assert (recall.distinct, recall.searched, recall.mean) == (1, 1, 1)


def test_a_collection_smaller_than_the_answer_can_be_found_whole(tmp_path: Path) -> None:
    recall = compared(ExactIndex(scattered(3)), tmp_path)
    assert (recall.searched, recall.mean) == (3, 1)


@pytest.mark.parametrize("others", [3, 20])
def test_a_vector_without_a_direction_is_no_query(tmp_path: Path, others: int) -> None:
    stored = scattered(others) | {"zero": np.zeros(8, np.float32)}
    recall = compared(ExactIndex(stored), tmp_path)
    assert (recall.distinct, recall.searched, recall.is_good) == (others + 1, others, True)


def test_a_lost_vector_is_a_fault_and_stops_nothing(tmp_path: Path) -> None:
    index = ExactIndex(scattered(600))
    index.lost = {"id3", "id555"}
    recall = compared(index, tmp_path)
    assert (recall.unreadable, recall.missed, recall.searched) == (2, 0, 598)
    assert recall.examples == ["id3", "id555"]
    assert not recall.is_good


@pytest.mark.parametrize("after", [None, -np.ones(8, np.float32)], ids=["deleted", "changed"])
def test_a_record_that_changed_after_it_was_read_does_not_count(
    tmp_path: Path, after: Vectors | None
) -> None:
    """A Chroma server goes on changing while it is compared."""
    index = ExactIndex(scattered(50))
    distinct = DistinctVectors(tmp_path / "vectors")
    distinct.read(index, lambda _: None)
    if after is None:
        del index.stored["id3"]
    else:
        index.stored["id3"] = after
    recall = Recall()
    measure(recall, index, distinct, range(50), examples=5)
    assert (recall.searched, recall.missed) == (49, 0)


def test_a_share_is_searched_for(tmp_path: Path) -> None:
    recall = compared(ExactIndex(scattered(300)), tmp_path, share=0.1)
    assert (recall.distinct, recall.searched) == (300, 30)
    assert list(chosen_rows(5, 0.001, Random(1))) != []


def test_an_empty_collection_is_good(tmp_path: Path) -> None:
    recall = compared(ExactIndex({}), tmp_path)
    assert (recall.searched, recall.mean, recall.is_good) == (0, None, True)
    assert SearchVerdict({Collection.LINES: recall}, 0.0).is_good


@pytest.mark.parametrize(("hits", "good"), [(999, True), (998.9, False)])
def test_the_limit_of_the_recall(hits: float, good: bool) -> None:
    assert Recall(searched=1_000, hits=hits).is_good is good
