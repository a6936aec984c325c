"""The report of a benchmark: tables for readers, figures for the targets, samples as evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Cell: TypeAlias = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of cells below a title. A cell that is None is shown as a dash."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Report:
    """The report of a benchmark. Targets use `figures`. Only the JSON contains `details`."""

    tables: Sequence[Table]
    figures: Mapping[str, float]
    notes: Sequence[str] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
