"""The result of a restore."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from receipt_index.snapshot.restore import RestorePlan
from receipt_ops.snapshots.resending import Resent


@dataclass(frozen=True)
class Restored:
    """Holds the result of a restore. `published` is None after a dry run."""

    plan: RestorePlan
    published: int | None
    resent: Resent
    kept_for: timedelta | None
    """How long the bucket keeps deltas; None if it never deletes them."""
    at: datetime

    @property
    def lost_before(self) -> datetime | None:
        """Return the time before which missing vectors are lost; None if no vector is lost.

        The bucket no longer holds deltas from before that time.
        """
        if self.kept_for is None or self.at - self.kept_for <= self.resent.since:
            return None
        return self.at - self.kept_for

    def to_json(self) -> dict[str, Any]:
        plan, lost = self.plan, self.lost_before
        return {
            "restored": plan.chosen.version,
            "published": self.published,
            "replaced": plan.newest.version,
            "published_at": plan.chosen.published_at.isoformat(),
            "replaced_published_at": plan.newest.published_at.isoformat(),
            "records": plan.chosen.record_count,
            "replaced_records": plan.newest.record_count,
            "resent": self.resent.to_json(),
            "deltas_kept_days": self.kept_for.days if self.kept_for else None,
            "lost_before": lost.isoformat() if lost else None,
        }
