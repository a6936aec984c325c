"""Finds the units that Chroma can't take, so that the rest of a batch flows (I7).

Only what fails alone while something else of the same batch succeeds is called poison: where
everything fails, it is the index or the disk that is at fault, and the batch goes back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from compactor.cycle import CycleReport
from compactor.work import Work
from receipt_sync.errors import IndexFailedError, ReadBackError


@dataclass
class Bisected:
    """Reports of the cycles that were published, and the units that never can be."""

    reports: list[CycleReport] = field(default_factory=list)
    poison: list[tuple[Work, str]] = field(default_factory=list)


def run_bisecting(run: Callable[[Work], CycleReport], work: Work) -> Bisected:
    """Run a cycle over `work`; where Chroma fails, over its halves, down to single units.

    Raises IndexFailedError or ReadBackError if no part at all succeeded, and whatever else `run`
    raises.
    """
    done = Bisected()
    first_error = _run(run, work, done)
    if first_error is not None and not done.reports:
        raise first_error
    return done


def _run(
    run: Callable[[Work], CycleReport], work: Work, done: Bisected
) -> IndexFailedError | ReadBackError | None:
    try:
        done.reports.append(run(work))
    except (IndexFailedError, ReadBackError) as error:
        if work.size <= 1:
            done.poison.append((work, str(error)))
        else:
            for half in work.halves():
                _run(run, half, done)
        return error
    return None
