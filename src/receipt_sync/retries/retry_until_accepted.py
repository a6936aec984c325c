"""Retries of batch calls that accept only some of their entries."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, TypeVar

from receipt_sync.clock import Clock
from receipt_sync.retries.backoff import pauses

PATIENCE_SECONDS: Final = 60.0
"""The longest time without an accepted entry before a caller gives up."""

T = TypeVar("T")
Offer = Callable[[Sequence[T]], Sequence[T]]
"""Makes one batch call and returns the entries that were not accepted."""


class RetryUntilAccepted:
    """Offers entries again, with back-off, until all are accepted."""

    def __init__(self, clock: Clock, randomness: Random) -> None:
        self._clock, self._randomness = clock, randomness

    def until_accepted(
        self, entries: Sequence[T], offer: Offer[T], give_up: Callable[[int], Exception]
    ) -> None:
        """Offer entries until all are accepted. Raises `give_up(entries left)` without progress."""
        waits = pauses(self._randomness)
        progress = self._clock.monotonic()
        while True:
            left = offer(entries)
            if not left:
                return
            if len(left) < len(entries):
                progress = self._clock.monotonic()
            elif self._clock.monotonic() - progress > PATIENCE_SECONDS:
                raise give_up(len(left))
            entries = left
            self._clock.sleep(next(waits))
