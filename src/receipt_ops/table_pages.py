"""Reads of the table page by page: from a position on, in part, or only the keys."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from compactor.cycle.projection import Item
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey

Position = Mapping[str, Any]
"""A LastEvaluatedKey, from which the next page begins."""

_KEYS: Final = {"ProjectionExpression": "PK, SK"}


@dataclass(frozen=True)
class PageRequest:
    """Describes one Scan or Query."""

    operation: str
    arguments: Mapping[str, Any]

    @classmethod
    def of_segment(cls, segment: int, segments: int) -> Self:
        """Return a request for one segment of a parallel scan."""
        return cls("scan", {"Segment": segment, "TotalSegments": segments})

    @classmethod
    def of_keys(cls, start: Position | None, limit: int) -> Self:
        """Return a request for the table's keys from `start` on, with at most `limit` in a page."""
        begin = {"ExclusiveStartKey": start} if start else {}
        return cls("scan", {**_KEYS, "Limit": limit, **begin})

    @classmethod
    def of_partition(cls, pk: str, sk_prefix: str) -> Self:
        """Return a request for the items of a partition key whose sort keys have a prefix."""
        values = {":pk": {"S": pk}, ":sk": {"S": sk_prefix}}
        condition = "PK = :pk AND begins_with(SK, :sk)"
        return cls(
            "query", {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
        )


@dataclass(frozen=True)
class Page:
    """Holds the decoded entities of receipts in a page, and the position of the next page."""

    entities: dict[EntityKey, Item]
    next: Position | None


class Pages(Protocol):
    """Reads of the table. Every read is strongly consistent."""

    def read(self, request: PageRequest, deadline: Deadline) -> Iterator[Page]:
        """Yield every page of a request."""
        ...
