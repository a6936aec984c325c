import threading
from collections.abc import Iterator

import pytest

from receipt_sync.bounded import bounded_map


def test_results_come_in_the_order_of_the_items() -> None:
    assert list(bounded_map(lambda n: n * n, range(20), 3)) == [n * n for n in range(20)]


def test_no_item_is_taken_before_a_thread_is_free_for_it() -> None:
    taken, allowed = 0, [threading.Event() for _ in range(50)]

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number

    def call(number: int) -> int:
        assert allowed[number].wait(10)
        return number

    results = bounded_map(call, items(), 4)
    for number in range(50):
        allowed[number].set()
        assert next(results) == number
        assert taken <= number + 4


def test_the_first_failure_is_raised_and_nothing_more_is_begun() -> None:
    begun = []

    def call(number: int) -> None:
        begun.append(number)
        if number == 2:
            raise KeyError(number)

    with pytest.raises(KeyError):
        list(bounded_map(call, range(100), 2))
    assert max(begun) <= 4
