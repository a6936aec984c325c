"""The part of the scrub in one cycle: what it looks at, and what it adds to the cycle's plan."""

from collections.abc import Callable, Collection
from typing import Final

from compactor.cycle.closure import Closure
from compactor.cycle.plan import Plan
from compactor.cycle.projection import ALL
from compactor.scrub.scrub import Look, Scrub, ScrubReport
from receipt_index.deltas import VectorBatch
from receipt_index.records import Index
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    IndexFailedError,
    MassDeleteRefusedError,
    PermanentError,
    ReadBackError,
    SyncError,
)
from receipt_sync.telemetry import Metric, Telemetry

Refusal = Callable[[int], MassDeleteRefusedError | None]
"""Returns why a cycle may not delete so many records; None if it may."""
_OF_RECORDS: Final = (IndexFailedError, ReadBackError, PermanentError)
"""Errors whose cause may be a record that is written."""


class Scrubbing:
    """The scrub in one cycle. Without a scrub, every method does nothing."""

    def __init__(self, scrub: Scrub | None, telemetry: Telemetry, *, tick: bool = False) -> None:
        self._scrub, self._telemetry, self._tick = scrub, telemetry, tick
        self._look: Look | None = None
        self._looking = False
        self.report: ScrubReport | None = None

    def look(self, index: Index, deadline: Deadline) -> None:
        """Look at a slice, if one is due. Only reads."""
        if self._scrub is None:
            return
        self._looking = True
        with self._telemetry.step("scrub"):
            self._look = self._scrub.look(index, deadline, tick=self._tick)
        self._looking = False

    @property
    def is_idle(self) -> bool:
        """Return whether this is a tick that found nothing published."""
        return self._tick and self._look is None

    @property
    def vectors(self) -> list[VectorBatch]:
        """Return the vectors that come back from their deltas."""
        return self._look.verdict.vectors if self._look else []

    @property
    def bare(self) -> Collection[str]:
        """Return the records whose own delta may bring their vector again."""
        return self._look.verdict.bare if self._look else frozenset()

    def join(self, closure: Closure) -> None:
        """Add what is to be repaired to the records that the cycle recomputes."""
        for key in self._look.verdict.keys if self._look else ():
            closure.add(key, ALL)

    def conclude(self, plan: Plan, asked: Collection[str], refusal: Refusal) -> None:
        """Add the deletions of the scrub to the plan if the delete guard allows them.

        `asked` are the records that messages ask for. Their deletions are judged afterwards, so
        that the scrub's never hold them back.
        """
        if self._scrub is None or self._look is None:
            return
        own = [one for one in plan.delete if one not in asked] + self._look.verdict.strays
        of_messages = [one for one in plan.delete if one in asked]
        error = refusal(len(of_messages) + len(own)) if own else None
        plan.delete = of_messages if error else of_messages + own
        self.report = self._scrub.conclude(self._look, plan, own if error else ())
        if error is not None:
            self._telemetry.measure(Metric.MASS_DELETES_REFUSED, 1)
            self._telemetry.problem("repair refused", error=type(error).__name__, detail=str(error))

    def earn(self, seconds: float) -> None:
        """Note how long the cycle took."""
        if self._scrub is not None:
            self._scrub.earn(seconds)

    def is_to_blame(self, error: Exception) -> bool:
        """Return whether the scrub may be why the cycle failed, and note it then.

        A message must never be set aside because of a record that the scrub looked at.
        """
        repairs = self._look is not None and bool(self._look.verdict.repairs)
        if self._scrub is None or not (
            self._looking or (repairs and isinstance(error, _OF_RECORDS))
        ):
            return False
        self._scrub.failed(self._look)
        # Another error than this project's is a fault of the code.
        expected = isinstance(error, SyncError)
        report = self._telemetry.event if expected else self._telemetry.problem
        report("scrub failed", error=type(error).__name__)
        return True
