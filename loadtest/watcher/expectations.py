"""The messages between writers and watcher: expectations to it, sightings from it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from loadtest.kinds import Kind

DOCUMENT = "document"
"""The name, among the metadata's fields, of the text that a record's vector was made from."""


@dataclass(frozen=True)
class Wanted:
    """Records that must hold the same fields.

    `fields` maps names to values; the value None means that the field is absent. If `fields` is
    None, the records must not exist.
    """

    ids: tuple[str, ...]
    fields: Mapping[str, Any] | None


@dataclass(frozen=True)
class Expectation:
    """The records that one action must make visible.

    `action` is the action's number. `changes` counts the items of the table that it wrote or
    deleted. `written_at` is when its last write was sent, in seconds since 1970-01-01T00:00:00Z.
    """

    action: int
    kind: Kind
    changes: int
    written_at: float
    wanted: tuple[Wanted, ...]

    @property
    def records(self) -> int:
        """The number of records that the action changes."""
        return sum(len(group.ids) for group in self.wanted)

    def to_line(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=True) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Return the expectation that `to_line` wrote."""
        content = json.loads(line)
        wanted = tuple(Wanted(tuple(one["ids"]), one["fields"]) for one in content["wanted"])
        return cls(**{**content, "kind": Kind(content["kind"]), "wanted": wanted})


@dataclass(frozen=True)
class Sighting:
    """The result for one action.

    Readers see it since `seen_at` (seconds of the epoch). None: not visible within the limit.
    """

    action: int
    kind: Kind
    changes: int
    records: int
    written_at: float
    seen_at: float | None

    @property
    def seconds(self) -> float | None:
        """The seconds from the write until it was visible; None if it never was."""
        return None if self.seen_at is None else max(0.0, self.seen_at - self.written_at)

    def to_line(self) -> str:
        """Return one line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Self:
        """Return the sighting that `to_line` wrote."""
        content = json.loads(line)
        return cls(**{**content, "kind": Kind(content["kind"])})
