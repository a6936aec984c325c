"""The status of the system: the values that `receipt-sync status` shows."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from receipt_ops.deployment.attention import REFUSALS, attention_of, warnings_of
from receipt_ops.deployment.freshness import Percentiles
from receipt_ops.deployment.function_errors import FunctionErrors
from receipt_ops.deployment.switches import Switches
from receipt_ops.locks import HeldLock
from receipt_ops.snapshots.manifests import Damaged, Published
from receipt_ops.verification.last_comparison import LastComparison
from receipt_ops.verification.settling import Backlog
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric

FRESHNESS_GOAL_SECONDS: Final = 30.0
"""The goal for the 95th percentile of freshness, and the threshold of its alarm."""
WINDOW: Final = timedelta(minutes=15)
"""The period before now for freshness, errors and refusals."""
PERSONS: Final = tuple(REFUSALS)
"""The metrics of refusals that an operator must repair."""


@dataclass(frozen=True)
class MappingState:
    """Holds the state of an event source mapping. `problem` is Lambda's text, None if it works.

    `name` is the source of the mapping. Each source should have one mapping.
    """

    name: str
    uuid: str
    state: str
    problem: str | None = None
    function: str = ""


@dataclass(frozen=True)
class Status:
    """Holds the status at one moment. Freshness is None if nothing was published recently."""

    at: datetime
    freshness: Percentiles | None
    backlog: Backlog
    dead_letters: Mapping[str, int]
    locks: Sequence[HeldLock] | None
    """The held leases; None if they are unknown."""
    versions: Mapping[Collection, Published | Damaged | None]
    switches: Switches
    refusals: Mapping[Metric, int]
    """How often the compactor recently refused work that an operator must repair."""
    errors: Sequence[FunctionErrors] = ()
    oldest_seconds: float | None = None
    """The age of the oldest message in the queue; None while CloudWatch has no value."""
    openings: Mapping[Collection, str | None] = field(default_factory=dict)
    """Why a version cannot be opened, or None. Versions that were too large to try are left out."""
    comparison: LastComparison | None = None
    mappings: Sequence[MappingState] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)
    """Maps the fields that could not be read to the reason."""
    machine_fault: str | None = None
    """A fault of this machine that left a field unknown, such as a full disk."""
    freshness_goal: float = FRESHNESS_GOAL_SECONDS

    @property
    def minutes(self) -> int:
        """Return the length of the period for freshness, errors and refusals, in minutes."""
        return round(WINDOW.total_seconds() / 60)

    @property
    def attention(self) -> list[str]:
        """Return the sentences about parts that the operator must look at."""
        return attention_of(self)

    @property
    def warnings(self) -> list[str]:
        """Return the sentences about checks that the operator should make."""
        return warnings_of(self)

    def to_json(self) -> dict[str, Any]:
        locks = self.locks
        return {
            "at": self.at.isoformat(),
            "attention": self.attention,
            "warnings": self.warnings,
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
            "machine_fault": self.machine_fault,
        }
