"""The truth about searches, with vectors whose neighbours are known."""

from random import Random

import numpy as np
import pytest

from benchmarks.meters.searched import Searched, searched_of, unseen_vectors
from receipt_index.records import NewVector
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.keys import Collection


def on_a_circle(degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    return np.array([np.cos(angle), np.sin(angle)], np.float32)


def searched(count: int = 24) -> Searched:
    """Return records one degree apart, each vector twice, of two merchants in turn."""
    return Searched(
        Collection.LINES,
        [
            NewVector(f"id-{n}", on_a_circle(n // 2), f"t{n // 2}", {"merchant_name": "ab"[n % 2]})
            for n in range(count)
        ],
    )


def ids(*numbers: int) -> list[str]:
    return [f"id-{n}" for n in numbers]


def test_the_recall_is_the_share_of_the_nearest_records() -> None:
    query = on_a_circle(0)
    assert searched().recall(query, ids(*range(10)), None) == 1
    assert searched().recall(query, ids(*range(5)), None) == 0.5
    assert searched().recall(query, ids(*range(14, 24)), None) == 0
    assert searched().recall(query, [], None) == 0


def test_records_as_near_as_the_tenth_are_equally_right() -> None:
    """The ninth and tenth nearest records of this query share their distance with two others."""
    query = on_a_circle(6)
    both_sides = [*range(8, 18)]
    assert searched().recall(query, ids(*both_sides), None) == 1


def test_with_a_filter_only_the_merchants_records_count() -> None:
    query = on_a_circle(0)
    of_a = list(range(0, 20, 2))
    assert searched().recall(query, ids(*of_a), "a") == 1
    assert searched().recall(query, ids(*range(10)), "a") == 0.5
    assert searched(6).recall(query, ids(0, 2, 4), "a") == 1


def test_an_answer_without_the_vector_of_the_query_misses_it() -> None:
    assert not searched().is_missed(on_a_circle(3), ids(7))
    assert searched().is_missed(on_a_circle(3), ids(8, 9))


@pytest.mark.parametrize("collection", list(Collection))
def test_unseen_vectors_are_of_texts_that_no_record_has(collection: Collection) -> None:
    made = searched_of(list(synthetic_receipts(4, Random(1))), collection)
    unseen = unseen_vectors(made, 30)
    assert len(unseen) == 30
    assert len(np.unique(unseen, axis=0)) == 30
    assert not any((made.vectors == vector).all(axis=1).any() for vector in unseen)
    assert len(made.distinct_vectors(7)) == 7
