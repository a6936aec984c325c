"""The result of a verification: counts for each collection, and examples."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from receipt_sync.keys import Collection


class Finding(StrEnum):
    """Names the results for one record, or for one entity without a record."""

    EQUAL = "equal"
    PENDING = "pending"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    DIFFERENT = "different"


FAULTS: Final = (Finding.MISSING, Finding.UNEXPECTED, Finding.DIFFERENT)
"""The findings that are faults. PENDING is not, because the item does not claim a sent vector."""


class FieldDifference(NamedTuple):
    """Holds a field's value in the table and in the snapshot. None means that it is absent."""

    table: Any
    snapshot: Any


class Since(NamedTuple):
    """Holds the version since which a record is unchanged.

    `or_earlier` is true if the version before it cannot be opened. The record may have been the
    same there.
    """

    version: int
    published_at: datetime
    or_earlier: bool


@dataclass(frozen=True)
class Example:
    """Holds one record that is not equal. It has `fields` only if the record differs.

    `since` is None if the caller did not ask for it, or if nothing was ever published.
    """

    finding: Finding
    collection: Collection
    id: str
    fields: Mapping[str, FieldDifference] = field(default_factory=dict)
    since: Since | None = None


@dataclass
class CollectionCounts:
    """Holds the counts of one collection, and the version that was compared last."""

    version: int = 0
    published_at: datetime | None = None
    records: int = 0
    """The number of records in the snapshot."""
    elements: int | None = None
    """The elements of the snapshot's graph, deleted ones included. A server does not report it."""
    stale: int = 0
    """The number of records whose vector was made from an earlier text. They are not faults."""
    matched: int = 0
    """The number of records of the version that have an item, by the first look."""
    findings: Counter[Finding] = field(default_factory=Counter)

    def to_json(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "published_at": self.published_at.isoformat() if self.published_at else None,
            "records": self.records,
            "elements": self.elements,
            **{finding.value: self.findings[finding] for finding in Finding},
            "stale": self.stale,
        }


@dataclass
class Verdict:
    """Holds the result of a comparison of the table with the published snapshot."""

    counts: dict[Collection, CollectionCounts]
    examples: list[Example]
    seconds: float = 0.0
    items: int = 0
    """The number of items that the comparison read from the table."""
    changing: int = 0
    """The number of entities that changed too often for a decision. They are not faults."""
    unchecked: int = 0
    """The number of faults that were compared only once, because there were too many."""

    def total(self, finding: Finding) -> int:
        """Return the number of a finding over all collections."""
        return sum(counts.findings[finding] for counts in self.counts.values())

    @property
    def stale(self) -> int:
        """Return the number of records whose vector was made from an earlier text."""
        return sum(counts.stale for counts in self.counts.values())

    @property
    def faults(self) -> int:
        """Return the number of records that are missing, unexpected or different."""
        return sum(self.total(finding) for finding in FAULTS)

    @property
    def is_empty(self) -> bool:
        """Return whether neither the table nor the index held anything to compare."""
        findings = sum(self.total(finding) for finding in Finding)
        return self.items + findings + self.changing == 0

    @property
    def is_equal(self) -> bool:
        return self.faults == 0

    def to_json(self) -> dict[str, Any]:
        """Return the verdict as `verify --json` prints it."""
        return {
            **{finding.value: self.total(finding) for finding in Finding},
            "stale": self.stale,
            "changing": self.changing,
            "unchecked": self.unchecked,
            "collections": {str(name): counts.to_json() for name, counts in self.counts.items()},
            "examples": [_example(example) for example in self.examples],
            "seconds": round(self.seconds, 3),
        }


def _example(example: Example) -> dict[str, Any]:
    return {
        "finding": example.finding.value,
        "collection": example.collection.value,
        "id": example.id,
        "fields": {name: value._asdict() for name, value in example.fields.items()},
        **({"since": example.since._asdict()} if example.since else {}),
    }
