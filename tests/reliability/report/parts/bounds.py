"""The part of the proof that sends input larger than the memory."""

from typing import Any, Final

from tests.reliability.bounds.cases import CASES
from tests.reliability.bounds.limits import MIB
from tests.reliability.report.parts.commands import figures, said
from tests.reliability.report.parts.part import Part
from tests.reliability.report.results import Row

_WHAT: Final = "bounds"


def _bounds(quick: bool) -> list[Row]:
    """Run worker and reader with the memory and the disk of the template."""
    command = ("-m", "tests.reliability.bounds", *(("--quick",) if quick else ()), "--json")
    return [row_of(found, said(command)) for found in figures(command)]


def row_of(found: dict[str, Any], command: str) -> Row:
    """Return the row of a case. A dead process and a missing message count as lost."""
    memory = f"{found['memory_peak'] // MIB} of {found['memory'] // MIB} MiB of memory"
    disk = f"{found['disk_peak'] // MIB} of {found['disk'] // MIB} MiB of disk"
    note = "; ".join([found["note"], memory, disk, *found["wrong"]])
    what = f"{_WHAT}: {found['case'].replace('_', ' ')}"
    return Row(what, max(1, found["messages"]), 0, len(found["wrong"]), command, note)


BOUNDS: Final = Part(
    "bounds",
    _bounds,
    (
        "tests/reliability/bounds",
        "tests/reliability/crashes/readers",
        "tests/reliability/crashes/searching.py",
        "template.yaml",
    ),
    tuple(f"{_WHAT}: {name.replace('_', ' ')}" for name in CASES),
)
