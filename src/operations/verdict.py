"""What a verification found: counts a collection, and examples."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NamedTuple

from receipt_sync.keys import Collection


class Finding(StrEnum):
    """What can be said of one record, or of one entity that has none."""

    EQUAL = "equal"
    PENDING = "pending"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    DIFFERENT = "different"


FAULTS: Final = (Finding.MISSING, Finding.UNEXPECTED, Finding.DIFFERENT)
"""Pending is none: nobody has claimed yet to have sent the vector."""


class FieldDifference(NamedTuple):
    """A field's value by the table and in the snapshot; None is absent."""

    table: Any
    snapshot: Any


class Since(NamedTuple):
    """The version since which a record is what it is; or an earlier one, kept no longer."""

    version: int
    published_at: datetime
    or_earlier: bool


@dataclass(frozen=True)
class Example:
    """One record that is not as it should be. `fields` only where a record differs.

    `since` is None where nobody has asked, or nothing was ever published.
    """

    finding: Finding
    collection: Collection
    id: str
    fields: Mapping[str, FieldDifference] = field(default_factory=dict)
    since: Since | None = None


@dataclass
class Tally:
    """Counts of one collection, and which version of its snapshot they are about."""

    version: int = 0
    published_at: datetime | None = None
    records: int = 0
    """In the snapshot."""
    elements: int | None = None
    """Of the snapshot's graph, deleted ones among them. None for a server, which does not say."""
    stale: int = 0
    """Records whose vector was made from an earlier text; they are no fault."""
    matched: int = 0
    """Records of the version that have an item, as the first look found them."""
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
    """The table compared with the published snapshot."""

    tallies: dict[Collection, Tally]
    examples: list[Example]
    seconds: float = 0.0
    items: int = 0
    """Items of the table that the comparison read."""
    changing: int = 0
    """Entities that were written to too often for a decision; they are no fault."""
    unchecked: int = 0
    """Faults that were looked at only once, because there were too many."""

    def total(self, finding: Finding) -> int:
        """How often something was found, over the collections."""
        return sum(tally.findings[finding] for tally in self.tallies.values())

    @property
    def stale(self) -> int:
        """Records whose vector was made from an earlier text."""
        return sum(tally.stale for tally in self.tallies.values())

    @property
    def faults(self) -> int:
        """Records that are missing, unexpected or different."""
        return sum(self.total(finding) for finding in FAULTS)

    @property
    def is_empty(self) -> bool:
        """Whether neither the table nor the index held anything to compare."""
        findings = sum(self.total(finding) for finding in Finding)
        return self.items + findings + self.changing == 0

    @property
    def is_equal(self) -> bool:
        return self.faults == 0

    def to_json(self) -> dict[str, Any]:
        """The verdict as `verify --json` prints it."""
        return {
            **{finding.value: self.total(finding) for finding in Finding},
            "stale": self.stale,
            "changing": self.changing,
            "unchecked": self.unchecked,
            "collections": {str(name): tally.to_json() for name, tally in self.tallies.items()},
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
