"""The state of the system on one page, and what of it needs a person."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from operations.deployment.flags import Switches
from operations.deployment.freshness import Percentiles
from operations.locks import HeldLock
from operations.settling import Backlog
from operations.snapshots.manifests import Damaged, Published
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric

FRESHNESS_GOAL_SECONDS: Final = 30.0
"""What the 95th percentile stays below; the alarm's threshold."""
WINDOW: Final = timedelta(minutes=15)
"""How far back freshness is looked for."""

_OFF: Final[dict[bool | None, str]] = {False: "switched off", None: "unknown"}
_REFUSALS: Final = {
    Metric.MASS_DELETES_REFUSED: "a cycle would have deleted too much and was refused",
    Metric.SNAPSHOTS_DAMAGED: "a snapshot can't be read: `receipt-sync snapshot history`",
}
PERSONS: Final = tuple(_REFUSALS)
"""The metrics that count what only a person can mend."""


@dataclass(frozen=True)
class Status:
    """What was seen at one moment. Freshness is None where nothing was published lately."""

    at: datetime
    freshness: Percentiles | None
    backlog: Backlog
    dead_letters: Mapping[str, int]
    locks: Sequence[HeldLock]
    versions: Mapping[Collection, Published | Damaged | None]
    switches: Switches
    refusals: Mapping[Metric, int]
    """How often lately the compactor has stopped for something that only a person can mend."""

    @property
    def attention(self) -> list[str]:
        """What a person should look at, in a sentence each."""
        return [
            *(
                f"{count:,} dead letters of the {name}: `receipt-sync dlq explain`"
                for name, count in self.dead_letters.items()
                if count
            ),
            *(
                f"{name} is {_OFF[on]}: `receipt-sync flags show`"
                for name, on in self.switches.to_json().items()
                if on is not True
            ),
            *(
                f"the lease {lock.lock_id} is held by a silent worker: `receipt-sync lock show`"
                for lock in self.locks
                if not lock.is_over(self.at) and not lock.is_alive(self.at)
            ),
            *(
                f"{_REFUSALS[metric]}, {count:,} × in {WINDOW.total_seconds() / 60:.0f} minutes"
                for metric, count in self.refusals.items()
                if count
            ),
            *(
                f"nothing of {name} is published any more: {version.reason}"
                for name, version in self.versions.items()
                if isinstance(version, Damaged)
            ),
            *self._slow(),
        ]

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.at.isoformat(),
            "attention": self.attention,
            "freshness": asdict(self.freshness) if self.freshness else None,
            "backlog": self.backlog._asdict(),
            "dead_letters": dict(self.dead_letters),
            "locks": [lock.to_json(self.at) for lock in self.locks],
            "snapshots": {
                name.value: one.to_json() if one else None for name, one in self.versions.items()
            },
            "switches": self.switches.to_json(),
            "refusals": {metric.value: count for metric, count in self.refusals.items()},
        }

    def _slow(self) -> list[str]:
        if self.freshness is None or self.freshness.p95 <= FRESHNESS_GOAL_SECONDS:
            return []
        return [
            f"one change in twenty took {self.freshness.p95:.0f} s or longer until it was "
            "published: `receipt-sync latency`"
        ]
