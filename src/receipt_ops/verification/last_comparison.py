"""The note about the last full comparison of table and snapshot.

`verify` reads the whole table, which takes long and costs money. `status` cannot do that, so it
shows the result of the last comparison. The note lies in the bucket beside the snapshots, so every
operator sees it.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from receipt_ops.verification.verdict import Finding, Verdict


@dataclass(frozen=True)
class LastComparison:
    """Holds the counts of the last full comparison. `pending` counts items without a vector."""

    at: datetime
    equal: int
    missing: int
    unexpected: int
    different: int
    pending: int

    @classmethod
    def of(cls, verdict: Verdict, at: datetime) -> "LastComparison":
        return cls(
            at=at,
            equal=verdict.total(Finding.EQUAL),
            missing=verdict.total(Finding.MISSING),
            unexpected=verdict.total(Finding.UNEXPECTED),
            different=verdict.total(Finding.DIFFERENT),
            pending=verdict.total(Finding.PENDING),
        )

    @property
    def faults(self) -> int:
        """Return the number of records that are missing, unexpected or different."""
        return self.missing + self.unexpected + self.different

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def read(cls, data: bytes) -> "LastComparison | None":
        """Return the comparison of a note; None if another program version wrote the note."""
        try:
            content = json.loads(data)
            at = datetime.fromisoformat(content.pop("at"))
            counts = all(type(value) is int for value in content.values())
            return cls(at=at, **content) if counts else None
        except (ValueError, TypeError, KeyError, AttributeError):
            return None
