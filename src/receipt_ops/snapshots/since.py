"""A search for the published version since which a record is unchanged.

DynamoDB does not record when an item changed, but the bucket keeps the published versions. A wrong
record is wrong since that version at the earliest, or since a later change of the table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from receipt_index.records import Record
from receipt_ops.verification.verdict import Example, Since

Records = Mapping[str, Record]


class Version(NamedTuple):
    """Identifies a published version that can still be opened."""

    number: int
    published_at: datetime


RecordsAt = Callable[[int, Sequence[str]], Records | None]
"""Returns the records with these ids in the version at this place of the list.

None means that the version cannot be opened.
"""


def with_since(
    examples: Sequence[Example], versions: Sequence[Version], records_at: RecordsAt
) -> list[Example]:
    """Return the examples of one collection with the version since which each is unchanged.

    `versions` ascend, and the last one is the verified version. The search goes back in steps that
    double. Each step opens one version for all examples, so a hundred versions need about ten
    steps. The search misses a record that changed and changed back within a step. It ends at a
    version that cannot be opened.
    """
    if not versions:
        return list(examples)
    past = _Past([example.id for example in examples], records_at)
    return [replace(example, since=_since(example.id, versions, past)) for example in examples]


class _Past:
    """The records of earlier versions. It opens each version once."""

    def __init__(self, ids: Sequence[str], records_at: RecordsAt) -> None:
        self._ids, self._records_at = ids, records_at
        self._opened: dict[int, Records | None] = {}

    def records(self, place: int) -> Records | None:
        if place not in self._opened:
            self._opened[place] = self._records_at(place, self._ids)
        return self._opened[place]


def _since(chroma_id: str, versions: Sequence[Version], past: _Past) -> Since | None:
    last = len(versions) - 1
    newest = past.records(last)
    if newest is None:
        return None

    def differs(place: int) -> bool:
        records = past.records(place)
        return records is None or records.get(chroma_id) != newest.get(chroma_id)

    low, high, step = -1, last, 1
    while high > 0 and low < 0:
        earlier = max(0, last - step)
        if differs(earlier):
            low = earlier
        else:
            high, step = earlier, 2 * step
    while high - low > 1 and low >= 0:
        middle = (low + high) // 2
        low, high = (middle, high) if differs(middle) else (low, middle)
    found = versions[high]
    or_earlier = low < 0 or past.records(low) is None
    return Since(found.number, found.published_at, or_earlier)
