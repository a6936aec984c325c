"""The part of the proof that kills readers."""

from typing import Any, Final

from tests.reliability.report.parts.commands import figures, said
from tests.reliability.report.parts.part import Part
from tests.reliability.report.results import Row

_KILLS: Final = 120


def _reader_kills(quick: bool) -> list[Row]:
    """End readers by SIGKILL and SIGTERM, and start them again on their folder."""
    command = (
        "-m",
        "tests.reliability.crashes.readers",
        "--kills",
        str(8 if quick else _KILLS),
        "--json",
    )
    return [row_of(figures(command), said(command))]


def row_of(found: dict[str, Any], command: str) -> Row:
    """Return the row of a campaign. If a moment did not come, the kill fell at random."""
    lost, broken = found["wrong"] + found["unfound"], len(found["broken"])
    note = (
        f"{found['compared']:,} records compared, {found['wrong']} of them wrong, "
        f"{found['unfound']} not found; {found['graph_misses']} searches miss as plain Chroma does "
        f"on the same bytes (search issue); {found['missed']} moments did not come"
    )
    return Row("readers killed", found["kills"], found["kills"], lost, command, note, broken)


READER_KILLS: Final = Part(
    "reader_kills",
    _reader_kills,
    ("tests/reliability/crashes/readers",),
    ("readers killed",),
    beside="strikes",
)
