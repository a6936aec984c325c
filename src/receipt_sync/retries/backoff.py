"""Pauses between retries: exponential back-off with full jitter.

Rule: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
"""

from collections.abc import Iterator
from random import Random


def pauses(randomness: Random, first: float = 0.05, longest: float = 5.0) -> Iterator[float]:
    """Yield the seconds to wait before the second try, the third try, and so on, without end."""
    ceiling = first
    while True:
        yield randomness.uniform(first / 2, ceiling)
        ceiling = min(ceiling * 2, longest)
