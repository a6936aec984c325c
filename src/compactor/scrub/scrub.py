"""The scrub of one collection: what one cycle looks at, and what it repairs."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from compactor.cycle.plan import Plan
from compactor.scrub import rounds
from compactor.scrub.pacing import LEAST_STEPS, MOST_STEPS, TimeShare, steps_due
from compactor.scrub.ports import ScannedTable, StateKeeper, StoredDeltas, World
from compactor.scrub.second_look import Verdict, look_again
from compactor.scrub.walk import walk_on
from receipt_index.records import Index
from receipt_index.snapshot.format.scrub_state import (
    MAX_SUSPECTS,
    ScrubState,
    Suspect,
)
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection as EntityCollection

_REFUSED_FOR: Final = 3_600.0
"""Seconds for which a record is not repaired again after its repair alone has failed."""
_REST_AFTER_FAILURE: Final = 60.0
"""Seconds without a slice in the cycles of messages after a failure, because those run twice."""


@dataclass(frozen=True)
class ScrubSettings:
    """The interval in which each record is compared, and the least time between two looks.

    `most` is the largest number of steps of a slice for which there is memory.
    """

    interval: timedelta
    patience: float
    most: int = MOST_STEPS


@dataclass(frozen=True)
class ScrubReport:
    """The result of one look."""

    checked: int
    found: int
    repaired: int
    withheld: int
    proof_age: float
    accuracy: float | None


@dataclass(frozen=True)
class Look:
    """What a cycle has looked at. The cycle recomputes `verdict.keys` with `verdict.vectors`."""

    state: ScrubState
    verdict: Verdict
    checked: int
    looked: list[Suspect] = field(default_factory=list)
    """The suspects that the verdict is about."""
    excluded: list[Suspect] = field(default_factory=list)
    """Suspects that are due, but whose repair has failed alone."""


class Scrub:
    """Scrubs one collection in the cycles of one process. The state is that of the manifest."""

    def __init__(
        self,
        collection: EntityCollection,
        keeper: StateKeeper,
        table: ScannedTable,
        deltas: StoredDeltas,
        clock: Clock,
        settings: ScrubSettings,
    ) -> None:
        self._collection, self._keeper = collection, keeper
        self._table, self._deltas = table, deltas
        self._clock, self._settings = clock, settings
        self._share = TimeShare()
        self._most_repairs = MAX_SUSPECTS
        self._refused: dict[str, float] = {}
        """The records whose repair has failed alone, and until when they are left out."""
        self._rests_until = 0.0

    @property
    def proof_age(self) -> float | None:
        """Return the age of the last proof in seconds; None before the first slice is known."""
        state = self._keeper.scrub_state
        return None if state is None else rounds.proof_age(state, self._clock.now())

    def earn(self, seconds: float) -> None:
        """Note that a cycle took so many seconds."""
        self._share.earn(seconds)

    def look(self, index: Index, deadline: Deadline, *, tick: bool) -> Look | None:
        """Look at the suspects that are due, and at the next slice; None if nothing is due.

        Only reads. Raises TableReadError, IndexFailedError, DeadlineNearError and errors of the
        store.
        """
        now, begun = self._clock.now(), self._clock.monotonic()
        if not self._keeper.version:
            return None
        state = self._keeper.scrub_state or rounds.begun(now)
        steps = self._steps(state, now, tick=tick)
        if not steps:
            return None
        world = World(self._collection, index, self._table, self._deltas, deadline)
        walk = walk_on(world, state, steps, now)
        due, excluded = self._due(walk.state, now)
        verdict = look_again(world, due, now)
        if not tick:
            self._share.spend(self._clock.monotonic() - begun, walk.steps)
        checked = ScrubState.model_validate(walk.state.model_dump())  # no version stores another
        return Look(checked, verdict, walk.checked, due, excluded)

    def conclude(self, look: Look, plan: Plan, withheld: Collection[str]) -> ScrubReport:
        """Keep the state for the publish of the plan, and return the result.

        `withheld` are the deletions of the scrub that the delete guard refused.
        """
        now, verdict = self._clock.now(), look.verdict
        repaired = [s for s in verdict.repairs if s.id in plan.written]
        stuck = [s for s in verdict.repairs if s.id in withheld] + look.excluded
        found = [s for s in (*repaired, *stuck, *verdict.hopeless) if not s.counted]
        waiting = [s.model_copy(update={"counted": True}) for s in stuck] + verdict.changed
        dropped = {s.id for s in look.looked} - {s.id for s in waiting}
        counts = (len(found), len(repaired))
        state = rounds.settled(look.state, dropped, waiting, counts, now)
        self._keeper.keep_scrub_state(state)
        self._most_repairs = min(MAX_SUSPECTS, 2 * self._most_repairs)
        return ScrubReport(
            look.checked,
            *counts,
            len(withheld),
            rounds.proof_age(state, now),
            rounds.accuracy(state),
        )

    def failed(self, look: Look | None) -> None:
        """Note that a cycle failed because of the scrub.

        Fewer repairs are tried together, until the one that fails alone is known.
        """
        self._rests_until = self._clock.monotonic() + _REST_AFTER_FAILURE
        repairs = look.verdict.repairs if look is not None else []
        if len(repairs) == 1:
            self._refused[repairs[0].id] = self._clock.monotonic() + _REFUSED_FOR
            self._most_repairs = MAX_SUSPECTS
        elif repairs:
            self._most_repairs = max(1, len(repairs) // 2)

    def _steps(self, state: ScrubState, now: datetime, *, tick: bool) -> int:
        due = min(self._settings.most, steps_due(state, now, self._settings.interval))
        if tick:
            return max(due, LEAST_STEPS)
        if due < LEAST_STEPS or self._clock.monotonic() < self._rests_until:
            return 0
        return min(due, self._share.steps)

    def _due(self, state: ScrubState, now: datetime) -> tuple[list[Suspect], list[Suspect]]:
        """Return the suspects whose second look is due, and those of them that are left out."""
        patience, moment = self._settings.patience, self._clock.monotonic()
        ready = [s for s in state.suspects if rounds.is_ready(s, state, now, patience)]
        excluded = [s for s in ready if self._refused.get(s.id, moment) > moment]
        due = [s for s in ready if s not in excluded]
        return due[: self._most_repairs], excluded
