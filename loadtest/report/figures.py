"""Computes the figures of a run: freshness by kind of action, rates, backlog."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.kinds import Kind
from loadtest.latency import Latency
from loadtest.watcher.expectations import Sighting
from loadtest.watcher.recording import Moment, Recorded
from receipt_ops.deployment.freshness import percentile

ALL = "all changes"


@dataclass(frozen=True)
class Freshness:
    """The freshness of the actions of one kind, in seconds. None: no action arrived."""

    name: str
    actions: int
    never: int
    p50: float | None
    p95: float | None
    p99: float | None
    worst: float | None


@dataclass(frozen=True)
class Backlog:
    """The changes that were not visible yet, and the messages in the compaction queue."""

    most_outstanding: int
    mean_outstanding: float
    most_messages: int
    seconds_to_settle: float | None
    """The seconds from the last write to the last sighting; None if a change never arrived."""


@dataclass(frozen=True)
class Figures:
    """The figures of a run. `rate` is in changes a second, over the `seconds` of writing.

    A change is one item of the table that an action writes or deletes.
    """

    seconds: float
    changes: int
    rate: float
    vectors: int
    irrelevant: int
    failures: int
    never: int
    freshness: tuple[Freshness, ...]
    latency: tuple[Latency, ...]
    backlog: Backlog
    early_p95: float | None
    late_p95: float | None
    """The p95 of freshness in the first and in the last quarter of the actions."""
    held: float | None
    reason: str
    """The result of a search for the knee: the highest rate, and why the search ended."""

    @property
    def overall(self) -> Freshness:
        """The freshness of all actions together."""
        return self.freshness[-1]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def figures_of(recorded: Recorded) -> Figures:
    """Return the figures of a recorded run."""
    end, sightings = recorded.end, recorded.sightings
    seconds = max(end.ended_at - end.began_at, 1e-9)
    irrelevant = [row for row in end.latency if row.name == Kind.IRRELEVANT]
    early, late = _quarters(sightings)
    return Figures(
        seconds=seconds,
        changes=end.changes,
        rate=end.changes / seconds,
        vectors=end.vectors,
        irrelevant=sum(row.writes - row.failures for row in irrelevant),
        failures=sum(row.failures for row in end.latency),
        never=sum(s.seen_at is None for s in sightings),
        freshness=freshness_by_kind(sightings),
        latency=end.latency,
        backlog=_backlog(recorded.moments, end.ended_at, sightings),
        early_p95=early.p95,
        late_p95=late.p95,
        held=end.held,
        reason=end.reason,
    )


def freshness_by_kind(sightings: Iterable[Sighting]) -> tuple[Freshness, ...]:
    """Return one row for each kind that occurred, and a last row for all actions."""
    by_kind: dict[Kind, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        by_kind[sighting.kind].append(sighting)
    rows = [_freshness(kind.value, by_kind[kind]) for kind in Kind if kind in by_kind]
    everything = [s for some in by_kind.values() for s in some]
    return (*rows, _freshness(ALL, everything))


def _freshness(name: str, sightings: Sequence[Sighting]) -> Freshness:
    seconds = sorted(s.seconds for s in sightings if s.seconds is not None)
    return Freshness(
        name,
        len(sightings),
        len(sightings) - len(seconds),
        *(percentile(seconds, percent) if seconds else None for percent in (50, 95, 99, 100)),
    )


def _quarters(sightings: Sequence[Sighting]) -> tuple[Freshness, Freshness]:
    ordered = sorted(sightings, key=lambda sighting: sighting.written_at)
    quarter = len(ordered) // 4
    return _freshness("early", ordered[:quarter]), _freshness("late", ordered[-quarter or None :])


def _backlog(moments: Sequence[Moment], ended_at: float, sightings: Sequence[Sighting]) -> Backlog:
    while_writing = [moment.outstanding for moment in moments if moment.at <= ended_at]
    seen_at = [s.seen_at for s in sightings if s.seen_at is not None]
    settled = max(0.0, max(seen_at) - ended_at) if len(seen_at) == len(sightings) > 0 else None
    return Backlog(
        most_outstanding=max((moment.outstanding for moment in moments), default=0),
        mean_outstanding=sum(while_writing) / len(while_writing) if while_writing else 0.0,
        most_messages=max((moment.waiting + moment.in_flight for moment in moments), default=0),
        seconds_to_settle=settled,
    )
