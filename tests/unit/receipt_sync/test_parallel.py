"""Several calls at a time."""

import threading

import pytest

from receipt_sync.parallel import in_parallel


def test_answers_come_in_the_order_of_what_was_given() -> None:
    assert in_parallel(lambda one: one * one, list(range(50))) == [n * n for n in range(50)]
    assert in_parallel(str, []) == []


def test_calls_overlap() -> None:
    meeting = threading.Barrier(4, timeout=10)
    assert sorted(in_parallel(lambda _: meeting.wait(), [1, 2, 3, 4])) == [0, 1, 2, 3]


def test_the_first_failure_is_raised() -> None:
    def call(one: int) -> int:
        if one > 1:
            raise ValueError(one)
        return one

    with pytest.raises(ValueError, match="2"):
        in_parallel(call, [1, 2, 3])
