"""The order of rows by their distance."""

from itertools import islice

import numpy as np

from receipt_index.exact.ranking import all_by_distance, distances, nearest
from receipt_index.exact.unit import digest, unit


def found(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def test_equal_distances_are_in_the_order_of_their_rows() -> None:
    rows = [row for row, _ in nearest(found(0.5, 0.1, 0.5, 0.5, 0.1), 4)]
    assert rows == [1, 4, 0, 2]


def test_a_row_of_nan_is_no_result() -> None:
    values = found(np.nan, 0.2, np.nan, 0.1)
    assert [row for row, _ in nearest(values, 3)] == [3, 1]
    assert [row for row, _ in nearest(values, 9)] == [3, 1]
    assert [row for row, _ in nearest(found(np.nan, np.nan), 1)] == []
    assert nearest(found(), 3) == []


def test_all_rows_are_yielded_once_in_order() -> None:
    values = np.random.default_rng(1).random(1_000).astype(np.float32)
    values[::7] = np.nan
    expected = [int(row) for row in np.argsort(values) if not np.isnan(values[row])]
    assert [row for row, _ in all_by_distance(values)] == expected
    assert [row for row, _ in islice(all_by_distance(values), 70)] == expected[:70]


def test_no_distance_is_below_zero() -> None:
    assert [distance for _, distance in nearest(found(-1e-7, 0.5), 2)] == [0.0, 0.5]


def test_distances_are_those_of_cosines_and_no_direction_is_at_one() -> None:
    matrix = np.stack([unit(found(*row)) for row in ((2, 0), (0, 3), (-1, 0), (0, 0))])
    np.testing.assert_allclose(distances(matrix, unit(found(5, 0))), [0, 1, 2, 1])


def test_the_length_of_a_vector_may_be_as_large_or_small_as_float32_allows() -> None:
    for length in (1e-30, 1e-15, 1e15, 3e38):
        np.testing.assert_allclose(unit(found(length, 0)), [1, 0])


def test_a_negative_zero_makes_no_other_vector() -> None:
    assert digest(unit(found(-0.0, 1))) == digest(unit(found(0, 1)))
    assert digest(unit(found(1, 1))) != digest(unit(found(1, 0)))
