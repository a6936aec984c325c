"""Repeated comparisons of records that differ, while table and index continue to change.

A sound compactor is always some seconds behind the table. A record that differs at one moment is
therefore only a suspect. It is a fault if it differs from an unchanged item for longer than the
freshness goal, in the version that is published then. The difference may change between two looks.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from receipt_ops.verification.comparison import Comparison
from receipt_ops.verification.verdict import FAULTS, Finding
from receipt_sync.clock import Clock
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.sequences import batches

FRESHNESS_GOAL_SECONDS: Final = 60.0
"""The threshold of the freshness alarm (terraform/alarms.tf)."""
QUIET_SECONDS: Final = 10.0
"""With an empty queue and no new version for this time, no change is in progress."""
MOST_SUSPECTS: Final = 20_000
"""The most suspects in memory. Beyond this number, a difference counts without another look."""
_GOALS_UNTIL_UNDECIDED: Final = 3
_FIRST_PAUSE_SECONDS: Final = 1.0
_IDS_A_LOOK: Final = 500


@dataclass(frozen=True)
class Patience:
    """Holds how long a difference may last before it is a fault, and how to look again.

    `refresh` makes the newest published versions visible and returns whether there was a newer one.
    `is_idle` returns whether the compaction queue holds no message. `report` receives the number of
    suspects that are left before each wait.
    """

    goal_seconds: float
    refresh: Callable[[], bool]
    is_idle: Callable[[], bool]
    report: Callable[[int], None] = lambda _: None


class Place(NamedTuple):
    """Identifies the record of a suspect. `key` is None for an id that no entity can have."""

    collection: Collection
    id: str
    key: EntityKey | None


@dataclass(frozen=True)
class Suspect:
    """Holds a record that differs from an unchanged item since `since` (monotonic seconds)."""

    place: Place
    first_finding: Finding
    comparison: Comparison
    since: float


Look = Callable[[Collection, Sequence[Place]], Mapping[str, Comparison | None]]
"""Compares records again and returns the results by id.

A result is None if neither the item nor the record exists.
"""


class Outcome(NamedTuple):
    """Holds the decision on one suspect.

    `convicted` is true if it is a fault. `comparison` is the last one; None if neither item nor
    record exists. `undecided` is true if the item changed too often for a decision.
    """

    suspect: Suspect
    comparison: Comparison | None
    convicted: bool
    undecided: bool = False


class Suspects:
    """Keeps the suspects of one verification, at most MOST_SUSPECTS, and decides on them."""

    def __init__(self, clock: Clock, patience: Patience) -> None:
        self._clock, self._patience = clock, patience
        self._suspects: dict[tuple[Collection, str], Suspect] = {}

    def add(self, place: Place, comparison: Comparison) -> bool:
        """Keep a suspect. Return False if there is no room for it."""
        name = (place.collection, place.id)
        if name not in self._suspects and len(self._suspects) >= MOST_SUSPECTS:
            return False
        now = self._clock.monotonic()
        self._suspects[name] = Suspect(place, comparison.finding, comparison, now)
        return True

    def outcomes(self, look: Look) -> Iterator[Outcome]:
        """Compare all suspects again until each is decided, and yield each decision once."""
        begun = quiet_since = self._clock.monotonic()
        pause = _FIRST_PAUSE_SECONDS
        while self._suspects:
            self._patience.report(len(self._suspects))
            self._clock.sleep(pause)
            pause = min(2 * pause, max(_FIRST_PAUSE_SECONDS, self._patience.goal_seconds / 4))
            idle = self._patience.is_idle()
            if self._patience.refresh() or not idle:
                quiet_since = self._clock.monotonic()
            quiet = self._clock.monotonic() - quiet_since >= self._quiet_seconds
            late = self._clock.monotonic() - begun >= self._longest_seconds
            yield from self._look(look, decide=quiet, give_up=late)

    @property
    def _quiet_seconds(self) -> float:
        return min(QUIET_SECONDS, self._patience.goal_seconds)

    @property
    def _longest_seconds(self) -> float:
        return _GOALS_UNTIL_UNDECIDED * self._patience.goal_seconds

    def _look(self, look: Look, *, decide: bool, give_up: bool) -> Iterator[Outcome]:
        for collection in Collection:
            here = [s for s in self._suspects.values() if s.place.collection is collection]
            for some in batches(here, _IDS_A_LOOK):
                seen = look(collection, [suspect.place for suspect in some])
                for suspect in some:
                    known = self._judged(suspect, seen[suspect.place.id], decide, give_up)
                    if known is not None:
                        del self._suspects[collection, suspect.place.id]
                        yield known

    def _judged(
        self, suspect: Suspect, now: Comparison | None, decide: bool, give_up: bool
    ) -> Outcome | None:
        """Return the decision on a suspect; None if it stays a suspect."""
        if now is None or now.finding not in FAULTS:
            return Outcome(suspect, now, convicted=False)
        lasting = _lasting(suspect.comparison, now)
        if lasting is None:  # The item changed, so the present difference begins now.
            if give_up:
                return Outcome(suspect, now, convicted=False, undecided=True)
            self._keep(replace(suspect, comparison=now, since=self._clock.monotonic()))
            return None
        age = self._clock.monotonic() - suspect.since
        if decide or age >= self._patience.goal_seconds:
            return Outcome(suspect, lasting, convicted=True)
        self._keep(replace(suspect, comparison=lasting))
        return None

    def _keep(self, suspect: Suspect) -> None:
        self._suspects[suspect.place.collection, suspect.place.id] = suspect


def _lasting(before: Comparison, now: Comparison) -> Comparison | None:
    """Return the difference that lasts; None if the item or its newest vector changed."""
    return _in_the_same_way(before, now) or _in_another_way(before, now)


def _in_the_same_way(before: Comparison, now: Comparison) -> Comparison | None:
    """Return the difference of both looks. Other fields of the item may have changed."""
    if before.finding is not now.finding:
        return None
    if now.finding is not Finding.DIFFERENT:
        return now
    fields = {
        name: difference
        for name, difference in now.fields.items()
        if name in before.fields and before.fields[name].table == difference.table
    }
    return now._replace(fields=fields) if fields else None


def _in_another_way(before: Comparison, now: Comparison) -> Comparison | None:
    """Return the present difference if the item did not change between the looks.

    Other fields may differ than before, or the record may be missing now. A vector that arrived
    between the looks explains this, because it rewrites the record. Then return None.
    """
    if before.content != now.content:
        return None
    known = before.newest is not None and now.newest is not None
    return None if known and before.newest != now.newest else now
