"""What an action must make visible, as it travels to the watcher, and what the watcher answers."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from loadtest.kinds import Kind

DOCUMENT = "document"
"""Stands beside the metadata's fields for the text that a record's vector was made from."""


@dataclass(frozen=True)
class Wanted:
    """Records that must hold the same: fields by name (None: absent). No fields: no record."""

    ids: tuple[str, ...]
    fields: Mapping[str, Any] | None


@dataclass(frozen=True)
class Expectation:
    """What must follow an action; `action` is its number.

    `changes` is how many items of the table it wrote or deleted, `written_at` when its last write
    was sent, in seconds since 1970-01-01T00:00:00Z.
    """

    action: int
    kind: Kind
    changes: int
    written_at: float
    wanted: tuple[Wanted, ...]

    @property
    def records(self) -> int:
        """How many records the action touches."""
        return sum(len(group.ids) for group in self.wanted)

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self), ensure_ascii=True) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Self:
        """The expectation that `to_line` wrote."""
        content = json.loads(line)
        wanted = tuple(Wanted(tuple(one["ids"]), one["fields"]) for one in content["wanted"])
        return cls(**{**content, "kind": Kind(content["kind"]), "wanted": wanted})


@dataclass(frozen=True)
class Sighting:
    """An action that readers see since `seen_at`, or (None) did not see within the limit."""

    action: int
    kind: Kind
    changes: int
    records: int
    written_at: float
    seen_at: float | None

    @property
    def seconds(self) -> float | None:
        """From the write to its being visible; None if it never came."""
        return None if self.seen_at is None else max(0.0, self.seen_at - self.written_at)

    def to_line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def of_line(cls, line: str) -> Self:
        """The sighting that `to_line` wrote."""
        content = json.loads(line)
        return cls(**{**content, "kind": Kind(content["kind"])})
