"""The results of each part, stored as JSON. A single part can then run again."""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from local.state import PROJECT

FOLDER: Final = PROJECT / "build" / "prove"


@dataclass(frozen=True)
class Row:
    """One line of the document's table. `lost` and `broken` must be 0.

    `lost` counts records and messages. `broken` counts other faults, which lose nothing.
    """

    what: str
    tries: int
    faults: int
    lost: int
    command: str
    note: str = ""
    broken: int = 0


@dataclass
class Result:
    """The rows of one part, with their form, their date, and the digest of the tested code."""

    part: str
    rows: list[Row]
    quick: bool
    code: str = ""
    """The digest of the tested code. A result from a time without digests has none."""
    seconds: float = 0.0
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%d"))

    @property
    def lost(self) -> int:
        return sum(row.lost for row in self.rows)

    @property
    def broken(self) -> int:
        return sum(row.broken for row in self.rows)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "Result":
        rows = [Row(**row) for row in content.pop("rows")]
        return cls(rows=rows, **content)


def save(result: Result, folder: Path = FOLDER) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    pending = folder / f"{result.part}.new"
    pending.write_text(json.dumps(result.to_json(), indent=1, ensure_ascii=False) + "\n")
    pending.replace(folder / f"{result.part}.json")


def saved(part: str, folder: Path = FOLDER) -> Result | None:
    """Return the last result of a part, or None if it never ran."""
    path = folder / f"{part}.json"
    return Result.from_json(json.loads(path.read_text())) if path.exists() else None
