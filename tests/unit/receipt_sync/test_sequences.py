"""Slices keep every item in order. Samples are even, and no larger than asked for."""

from itertools import pairwise

import pytest

from receipt_sync.sequences import batches, evenly, round_batches


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 21, 5_000])
def test_no_more_than_asked_for_and_from_beginning_to_end(count: int) -> None:
    taken = evenly(range(count), 10)
    assert len(taken) <= 10
    assert len(taken) >= min(count, 5)
    assert not count or taken[0] == 0
    gaps = {after - before for before, after in pairwise(taken)}
    assert len(gaps) <= 1


def test_few_are_taken_all() -> None:
    assert list(evenly("abc", 3)) == ["a", "b", "c"]


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (3, [3]), (4, [4]), (9, [4, 4, 1])])
def test_slices_hold_every_item_in_order(count: int, sizes: list[int]) -> None:
    slices = list(batches(range(count), 4))
    assert [len(some) for some in slices] == sizes
    assert [item for some in slices for item in some] == list(range(count))


@pytest.mark.parametrize(
    ("count", "sizes"),
    [
        (0, []),
        (1, [1]),
        (8, [8]),
        (15, [8, 7]),
        (593, [512, 64, 16, 1]),
        (5_000, [1_024] * 4 + [512, 256, 128, 8]),
    ],
)
def test_round_slices_hold_every_item_in_order(count: int, sizes: list[int]) -> None:
    slices = list(round_batches(range(count), 1_024))
    assert [len(some) for some in slices] == sizes
    assert [item for some in slices for item in some] == list(range(count))


def test_round_slices_have_few_sizes_and_are_few() -> None:
    sizes = [[len(some) for some in round_batches(range(n), 1_024)] for n in range(1_025)]
    assert {size for some in sizes for size in some} == {
        *range(1, 9),
        *(2**n for n in range(4, 11)),
    }
    assert max(map(len, sizes)) == 8
