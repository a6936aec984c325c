"""The comparison of an index's search with the exact search, on indexes whose faults are known."""

import gc
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from receipt_index.deltas import Vectors
from receipt_index.records import Match, Record
from receipt_ops.errors import OperationError
from receipt_ops.verification.recall import (
    DistinctVectors,
    Recall,
    SearchVerdict,
    chosen_rows,
    measure,
)
from receipt_ops.verification.recall_tasks import compare_search
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
    recall, distinct = Recall(), DistinctVectors(folder)
    distinct.read(index, lambda _: None, examples=2)
    measure(recall, index, distinct, chosen_rows(distinct.count, share, Random(1)), examples=2)
    distinct.close()
    return recall


def scattered(count: int, dimension: int = 8) -> dict[str, Vectors]:
    vectors = np.random.default_rng(1).normal(size=(count, dimension)).astype(np.float32)
    return {f"id{number}": vector for number, vector in enumerate(vectors)}


def test_an_exact_search_finds_all(tmp_path: Path) -> None:
    recall = compared(ExactIndex(scattered(300)), tmp_path)
    assert (recall.distinct, recall.searched, recall.missed) == (300, 300, 0)
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


def test_farther_records_do_not_take_the_places_of_equal_ones(tmp_path: Path) -> None:
    """Twelve records have one vector, so the ten nearest are all of them, and eleven are hidden."""
    stored = scattered(1) | {f"other{n}": v for n, v in enumerate(scattered(40).values()) if n}
    stored |= {f"same{number}": stored["id0"] for number in range(11)}
    index = ExactIndex(stored)
    index.hidden = {f"same{number}" for number in range(11)}
    recall, distinct = Recall(), DistinctVectors(tmp_path)
    distinct.read(index, lambda _: None)
    (row,) = (row for row in range(distinct.count) if distinct.id_of(row) == "id0")
    measure(recall, index, distinct, [row], examples=0)
    distinct.close()
    assert (recall.missed, recall.mean) == (0, 0.1)


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


def test_a_share_is_searched_for(tmp_path: Path) -> None:
    recall = compared(ExactIndex(scattered(300)), tmp_path, share=0.1)
    assert recall.distinct == 300
    assert 15 < recall.searched < 45
    assert len(list(chosen_rows(5, 0.0001, Random(1)))) == 1
    assert list(chosen_rows(0, 0.5, Random(1))) == []


def test_an_empty_collection_is_good(tmp_path: Path) -> None:
    recall = compared(ExactIndex({}), tmp_path)
    assert (recall.searched, recall.mean, recall.is_good) == (0, None, True)
    assert SearchVerdict({Collection.LINES: recall}, 0.0).is_good


def test_records_of_which_none_was_searched_for_are_no_all_clear() -> None:
    assert not Recall(records=3).is_good


@pytest.mark.parametrize(("hits", "good"), [(999, True), (998.9, False)])
def test_the_limit_of_the_recall(hits: float, good: bool) -> None:
    assert Recall(searched=1_000, hits=hits).is_good is good


class Generated:
    """Any number of distinct vectors that take no memory."""

    def __init__(self, count: int) -> None:
        self.count = count

    def ids(self) -> Iterator[str]:
        return (f"IMAGE#img#RECEIPT#00001#LINE#{number:012d}" for number in range(self.count))

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        numbers = (int(chroma_id[-12:]) for chroma_id in ids)
        return {
            i: np.array([n % 1_009, n % 997, 1], np.float32)
            for i, n in zip(ids, numbers, strict=True)
        }

    def search(self, vector: Vectors, limit: int) -> list[Match]:
        return []


def peak(count: int, share: float, folder: Path) -> int:
    folder.mkdir()
    gc.collect()
    tracemalloc.start()
    try:
        distinct, index, recall = DistinctVectors(folder), Generated(count), Recall()
        distinct.read(index, lambda _: None)
        measure(recall, index, distinct, chosen_rows(distinct.count, share, Random(1)), 5)
        distinct.close()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_follow_the_number_of_vectors(tmp_path: Path) -> None:
    """A list of ids and a dictionary of digests took 412 bytes a vector (attack 13)."""
    few, many = peak(20_000, 0.03, tmp_path / "few"), peak(60_000, 0.01, tmp_path / "many")
    assert many < few + 40_000 * 20


@pytest.mark.parametrize(
    ("reader", "error"),
    [
        (SimpleNamespace(is_fixed=False), "is on a Chroma server"),
        (SimpleNamespace(is_fixed=True, refresh=bool, version=0), "nothing to search for"),
        (SimpleNamespace(is_fixed=True, refresh=bool, version=3, count=int), "nothing to search"),
    ],
    ids=["server", "nothing published", "no record"],
)
def test_what_cannot_be_compared_is_an_error_and_no_all_clear(reader: Any, error: str) -> None:
    with pytest.raises(OperationError, match=error):
        compare_search({Collection.LINES: reader}, None, None, 5)
