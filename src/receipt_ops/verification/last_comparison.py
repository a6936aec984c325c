"""The note about the last full comparison of table and snapshot.

`verify` reads the whole table, which takes long and costs money. `status` cannot do that, so it
shows the result of the last comparison. The note lies in the bucket beside the snapshots, so every
operator sees it.
"""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from receipt_ops.errors import OperationError
from receipt_ops.verification.verdict import Finding, Verdict
from receipt_sync.validation import UtcDatetime, describe

_FAULTS_SHOWN = 1

_Count = Annotated[int, Field(strict=True, ge=0, le=10**12)]


class NoteDamagedError(OperationError):
    """The note of the last comparison is unreadable."""


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class LastComparison:
    """Holds the counts of the last full comparison. `pending` counts items without a vector."""

    at: UtcDatetime
    equal: _Count
    missing: _Count
    unexpected: _Count
    different: _Count
    pending: _Count

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
    def read(cls, data: bytes) -> "LastComparison":
        """Return the comparison of a note.

        Raises NoteDamagedError for other content, which another program version may have written.
        """
        try:
            return _COMPARISON.validate_json(data)
        except ValidationError as error:
            raise NoteDamagedError(
                f"the note of the last comparison is unreadable ({describe(error, _FAULTS_SHOWN)}):"
                " run `receipt-sync verify`, which writes it again"
            ) from error


_COMPARISON = TypeAdapter(LastComparison)
