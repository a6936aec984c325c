"""Pauses between tries."""

from itertools import islice
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.retries.backoff import pauses


@given(st.integers())
def test_pauses_grow_exponentially_with_jitter_up_to_the_longest(seed: int) -> None:
    drawn = list(islice(pauses(Random(seed), first=0.1, longest=1.0), 10))
    ceilings = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    assert all(0.05 <= pause <= ceiling for pause, ceiling in zip(drawn, ceilings, strict=True))


def test_pauses_of_two_workers_differ() -> None:
    assert list(islice(pauses(Random(1)), 5)) != list(islice(pauses(Random(2)), 5))


def test_later_pauses_are_longer_on_the_average() -> None:
    drawn = [list(islice(pauses(Random(seed)), 6)) for seed in range(200)]
    means = [sum(column) / len(drawn) for column in zip(*drawn, strict=True)]
    assert means == sorted(means)
