"""The state of the system on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from operations.deployment.attention import REFUSALS, attention_of
from operations.deployment.flags import Switches
from operations.deployment.freshness import Percentiles
from operations.deployment.function_errors import FunctionErrors
from operations.deployment.last_comparison import LastComparison
from operations.locks import HeldLock
from operations.settling import Backlog
from operations.snapshots.manifests import Damaged, Published
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric

FRESHNESS_GOAL_SECONDS: Final = 30.0
"""What the 95th percentile stays below; the alarm's threshold."""
WINDOW: Final = timedelta(minutes=15)
"""How far back freshness and errors are looked for."""
PERSONS: Final = tuple(REFUSALS)
"""The metrics that count what only a person can mend."""


@dataclass(frozen=True)
class MappingState:
    """An event source mapping. `problem` is Lambda's own word for what is wrong, if anything.

    `name` is its source, of which there should be one mapping.
    """

    name: str
    uuid: str
    state: str
    problem: str | None = None
    function: str = ""


@dataclass(frozen=True)
class Status:
    """What was seen at one moment. Freshness is None where nothing was published lately."""

    at: datetime
    freshness: Percentiles | None
    backlog: Backlog
    dead_letters: Mapping[str, int]
    locks: Sequence[HeldLock] | None
    """None: they are unknown."""
    versions: Mapping[Collection, Published | Damaged | None]
    switches: Switches
    refusals: Mapping[Metric, int]
    """How often lately the compactor has stopped for something that only a person can mend."""
    errors: Sequence[FunctionErrors] = ()
    oldest_seconds: float | None = None
    """The age of the oldest message that is not published; None while CloudWatch has no value."""
    openings: Mapping[Collection, str | None] = field(default_factory=dict)
    """Why a version can't be opened, or None; one that was too large to be tried is left out."""
    comparison: LastComparison | None = None
    mappings: Sequence[MappingState] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    """The parts, by the names of these fields, that could not be asked for; and why."""
    freshness_goal: float = FRESHNESS_GOAL_SECONDS

    @property
    def minutes(self) -> int:
        """How far back freshness, errors and refusals were looked for."""
        return round(WINDOW.total_seconds() / 60)

    @property
    def attention(self) -> list[str]:
        """What a person should look at, in a sentence each."""
        return attention_of(self)

    def to_json(self) -> dict[str, Any]:
        locks = self.locks
        return {
            "at": self.at.isoformat(),
            "attention": self.attention,
            "freshness": asdict(self.freshness) if self.freshness else None,
            "backlog": self.backlog._asdict(),
            "oldest_message_seconds": self.oldest_seconds,
            "dead_letters": dict(self.dead_letters),
            "errors": [one.to_json() for one in self.errors],
            "locks": None if locks is None else [lock.to_json(self.at) for lock in locks],
            "snapshots": {
                name.value: one.to_json() if one else None for name, one in self.versions.items()
            },
            "opened": {name.value: fault is None for name, fault in self.openings.items()},
            "last_comparison": self.comparison.to_json() if self.comparison else None,
            "switches": self.switches.to_json(),
            "mappings": [asdict(mapping) for mapping in self.mappings],
            "refusals": {metric.value: count for metric, count in self.refusals.items()},
            "unknown": dict(self.unknown),
        }
