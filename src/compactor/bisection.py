"""Works slices one after another, and finds the units that Chroma can't take (I7).

A unit is called poison only if it fails alone, on a fresh copy, _TRIES times, while something else
of the same batch succeeds: where everything fails, the index or the disk is at fault, and the batch
goes back. A PermanentError needs no such proof: it says itself that the input is at fault.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from compactor.cycle import CycleReport
from compactor.pace import Pace
from compactor.work import Work
from receipt_sync.errors import IndexFailedError, PermanentError, ReadBackError

_TRIES: Final = 3
"""How often a unit must fail alone: a passing error of Chroma's must not set a good one aside."""
_PATIENCE: Final = 31
"""Failures without a single success after which everything is taken to fail: a batch, its halves,
their halves, down to sixteenths. Each costs a working copy, so an index at fault must cost few."""

Run = Callable[[Work], CycleReport]
Settle = Callable[[Work, Work], None]
"""Is told of a work that was published, and of what is left of it."""


@dataclass
class Bisected:
    """Reports of the cycles that were published, and the units that never can be.

    `stopped` is why not everything was worked: what was not settled goes back to the queue.
    """

    reports: list[CycleReport] = field(default_factory=list)
    poison: list[tuple[Work, str]] = field(default_factory=list)
    stopped: Exception | None = None


class _Part(NamedTuple):
    work: Work
    failures: int = 0


def run_bisecting(
    run: Run,
    slices: Iterable[Work],
    pace: Pace,
    settle: Settle = lambda _work, _rest: None,
) -> Bisected:
    """Run a cycle over each slice; where a record spoils it, over its halves, down to single units.

    Nothing is begun for which the pace leaves no time. Errors of a cycle are not raised: they
    stop the run, and `stopped` holds them.
    """
    bisection = _Bisection(run, pace, settle)
    try:
        for work in slices:
            bisection.work_off(work)
    except Exception as error:  # noqa: BLE001 passed on: who called decides what goes back
        bisection.done.stopped = _without_frames(error)
    return bisection.finished()


class _Bisection:
    def __init__(self, run: Run, pace: Pace, settle: Settle) -> None:
        self._run, self._pace, self._settle = run, pace, settle
        self.done = Bisected()
        self._waiting: deque[_Part] = deque()
        self._hopeless: list[tuple[Work, Exception]] = []
        """Units that failed alone as often as it takes."""
        self._failures = 0

    def work_off(self, work: Work) -> None:
        """Settle a slice, what is left of it, and the parts that it is taken apart into."""
        self._waiting.append(_Part(work))
        while self._waiting:
            self._try(self._waiting.popleft())

    def finished(self) -> Bisected:
        """What came out; units that failed alone are poison if anything else succeeded."""
        for unit, error in self._hopeless:
            if self.done.reports:
                self.done.poison.append((unit, str(error)))
            else:
                self.done.stopped = self.done.stopped or error
        return self.done

    def _try(self, part: _Part) -> None:
        try:
            report = self._pace.timed(lambda: self._run(part.work))
        except PermanentError as error:
            _without_frames(error)
            if part.work.size <= 1:
                self.done.poison.append((part.work, str(error)))
            else:
                self._split(part.work)
        except (IndexFailedError, ReadBackError) as error:
            self._failed(part, error)
        else:
            self.done.reports.append(replace(report, rest=Work()))
            self._settle(part.work, report.rest)
            if report.rest.size:
                self._waiting.append(_Part(report.rest))

    def _failed(self, part: _Part, error: Exception) -> None:
        _without_frames(error)
        self._failures += 1
        if not self.done.reports and self._failures >= _PATIENCE:
            raise error
        if part.work.size > 1:
            self._split(part.work)
        elif part.failures + 1 < _TRIES:
            self._waiting.append(_Part(part.work, part.failures + 1))
        else:
            self._hopeless.append((part.work, error))

    def _split(self, work: Work) -> None:
        self._waiting.extend(map(_Part, work.halves()))


def _without_frames(error: Exception) -> Exception:
    """Return the error without its traceback, whose frames would hold a slice's vectors.

    Each failed slice would stay in memory until the collector finds its cycle of references.
    """
    return error.with_traceback(None)
