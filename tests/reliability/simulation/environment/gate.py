"""The gate through which every call of a worker's process passes.

A call takes time and may fail.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from receipt_index.records import DELTA_ID, NewVector
from tests.reliability.simulation.environment.scheduler import Killed, Process, Scheduler
from tests.reliability.simulation.faults.faults import (
    ANYWHERE,
    UNANSWERED,
    Fault,
    Faults,
    Kind,
    Side,
)

T = TypeVar("T")


class Gate:
    """Adds latency and faults to the calls of the processes."""

    def __init__(self, scheduler: Scheduler, faults: Faults) -> None:
        self.scheduler, self.faults = scheduler, faults
        self.deadly: set[str] = set()
        """Ids of deltas. Each process that writes one of their vectors is killed."""

    def call(
        self,
        step: str,
        effect: Callable[[Kind | None], T],
        error: Callable[[Side], Exception],
        *specials: Kind,
    ) -> T:
        """Return the result of `effect`.

        `effect` receives a fault of its own kinds (`specials`).
        """
        scheduler = self.scheduler
        process = scheduler.process
        process.check()
        out, back, fault = self.faults.decide(process, step, specials, scheduler.now)
        scheduler.sleep(out)
        if fault is None:
            result = effect(None)
            scheduler.sleep(back)
            return result
        if fault.kind in UNANSWERED:
            return self._unanswered(fault.kind, effect, back, error)
        if fault.side is Side.BEFORE:
            self._strike(fault, process, error)
        result = effect(fault.kind if fault.kind not in ANYWHERE else None)
        scheduler.sleep(back)
        if fault.side is Side.AFTER:
            self._strike(fault, process, error)
        return result

    def _unanswered(
        self,
        kind: Kind,
        effect: Callable[[Kind | None], T],
        back: float,
        error: Callable[[Side], Exception],
    ) -> T:
        """Carry out the effect, and then raise an error, or repeat the effect as the SDK does."""
        effect(None)
        self.scheduler.sleep(back)
        if kind is Kind.LOST:
            raise error(Side.AFTER)
        return effect(None)

    def _strike(self, fault: Fault, process: Process, error: Callable[[Side], Any]) -> None:
        match fault.kind:
            case Kind.CRASH:
                self.scheduler.kill(process)
                raise Killed
            case Kind.PAUSE | Kind.FREEZE:
                self.pause(process, fault.seconds, frozen=fault.kind is Kind.FREEZE)
            case Kind.STALL:
                self.scheduler.sleep(fault.seconds)
            case Kind.ERROR:
                raise error(fault.side)

    def kill_if_deadly(self, records: Iterable[NewVector]) -> None:
        """Kill the running process if it writes a vector of a deadly delta."""
        if self.deadly.intersection(str(record.metadata[DELTA_ID]) for record in records):
            self.scheduler.kill(self.scheduler.process)
            raise Killed

    def pause(self, process: Process, seconds: float, *, frozen: bool) -> None:
        """Stop all tasks of the process for some seconds."""
        process.paused_until = max(process.paused_until, self.scheduler.now + seconds)
        if frozen:
            self.scheduler.freeze(process, seconds)
        if self.scheduler.current is not None and self.scheduler.process is process:
            self.scheduler.sleep(0)
