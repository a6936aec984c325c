"""Run cycles over slices, and find the units that Chroma can't take (I7).

A unit is a change, or a row of vectors. A unit is poison only if it fails alone, on a fresh copy,
_TRIES times, while something else of the same batch succeeds. After a write without effect, this
must be a write of the same kind. If everything fails, the index or the
disk is at fault, and the batch returns to the queue. A PermanentError needs no such proof, because
it means that the input is at fault.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from compactor.batch.pace import Pace
from compactor.batch.work import Work
from compactor.cycle.cycle import CycleReport
from receipt_sync.errors import (
    IndexFailedError,
    PermanentError,
    ReadBackError,
    WriteIgnoredError,
)

_TRIES: Final = 3
"""Times that a unit must fail alone. A temporary error of Chroma must not set a good unit aside."""
_PATIENCE: Final = 31
"""Failures without any success after which everything counts as failing. They are those of a batch,
its halves, their halves, and so on to sixteenths. Each failure costs a working copy, so a faulty
index must not cause many.
"""

Run = Callable[[Work], CycleReport]
Settle = Callable[[Work, Work], None]
"""Called with a work that was published, and with what is left of it."""


@dataclass
class Bisected:
    """Reports of the cycles that were published, and the units that can never be published.

    `stopped` is the reason why work remains. What was not settled returns to the queue.
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
    """Run a cycle over each slice. If a record makes it fail, run its halves, down to single units.

    No cycle is begun if the pace leaves no time for it. Errors of a cycle are not raised. They stop
    the run, and `stopped` holds them.
    """
    bisection = _Bisection(run, pace, settle)
    try:
        for work in slices:
            bisection.work_off(work)
    except Exception as error:  # noqa: BLE001 passed on: the caller decides what returns
        bisection.done.stopped = _without_frames(error)
    return bisection.finished()


class _Bisection:
    def __init__(self, run: Run, pace: Pace, settle: Settle) -> None:
        self._run, self._pace, self._settle = run, pace, settle
        self.done = Bisected()
        self._waiting: deque[_Part] = deque()
        self._hopeless: list[tuple[Work, Exception]] = []
        """Units that failed alone _TRIES times."""
        self._failures = 0

    def work_off(self, work: Work) -> None:
        """Settle a slice, what it leaves over, and the parts that it is split into."""
        self._waiting.append(_Part(work))
        while self._waiting:
            self._try(self._waiting.popleft())

    def finished(self) -> Bisected:
        """Return the result. Units that failed alone are poison if anything else succeeded."""
        for unit, error in self._hopeless:
            if self._is_at_fault(error):
                self.done.poison.append((unit, str(error)))
            else:
                self.done.stopped = self.done.stopped or error
        return self.done

    def _is_at_fault(self, error: Exception) -> bool:
        """Return whether the success of other units proves that the unit is at fault.

        A proxy may confirm one kind of write and pass on the others. So a write without effect is
        the unit's fault only if another write of its kind had an effect.
        """
        if isinstance(error, WriteIgnoredError):
            return any(getattr(report, error.kind) for report in self.done.reports)
        return bool(self.done.reports)

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

    With a traceback, each failed slice stays in memory until the garbage collector finds its cycle
    of references.
    """
    return error.with_traceback(None)
