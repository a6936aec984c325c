"""Finds the units that Chroma can't take, so that the rest of a batch flows (I7).

Only what fails alone while something else of the same batch succeeds is called poison: where
everything fails, it is the index or the disk that is at fault, and the batch goes back. A
PermanentError needs no such proof: it says itself that the input is at fault.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from compactor.cycle import CycleReport
from compactor.work import Work
from receipt_sync.errors import IndexFailedError, PermanentError, ReadBackError, SyncError

_PATIENCE: Final = 31
"""Failures without a single success after which everything is taken to fail: a batch, its halves,
their halves, down to sixteenths. Each costs a working copy, so an index at fault must cost few."""


@dataclass
class Bisected:
    """Reports of the cycles that were published, and the units that never can be."""

    reports: list[CycleReport] = field(default_factory=list)
    poison: list[tuple[Work, str]] = field(default_factory=list)


def run_bisecting(run: Callable[[Work], CycleReport], work: Work) -> Bisected:
    """Run a cycle over `work`; where a record spoils it, over its halves, down to single units.

    Raises the last IndexFailedError or ReadBackError if there was one and no part at all succeeded,
    and whatever else `run` raises, a passed deadline among it.
    """
    done = Bisected()
    waiting, failures = deque([work]), 0
    while waiting:
        part = waiting.popleft()
        try:
            done.reports.append(run(part))
        except PermanentError as error:
            _split(part, error, waiting, done)
        except (IndexFailedError, ReadBackError) as error:
            failures += 1
            _split(part, error, waiting, done)
            if not done.reports and failures >= _PATIENCE:
                raise
            doubt = error
    if failures and not done.reports:
        raise doubt
    return done


def _split(part: Work, error: SyncError, waiting: deque[Work], done: Bisected) -> None:
    if part.size <= 1:
        done.poison.append((part, str(error)))
    else:
        waiting.extend(part.halves())
