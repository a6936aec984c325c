"""All parts of the proof, in the order in which they run.

A new campaign gets a file of its own with its Part, and a place in PARTS.
"""

from typing import Final

from tests.reliability.report.parts.bounds import BOUNDS
from tests.reliability.report.parts.fuzz import FUZZ
from tests.reliability.report.parts.kills_and_outages import KILLS, OUTAGES
from tests.reliability.report.parts.lost_answers import LOST_ANSWERS
from tests.reliability.report.parts.part import Part
from tests.reliability.report.parts.reader_kills import READER_KILLS
from tests.reliability.report.parts.simulation import MILLION, PLANTED, SIMULATION
from tests.reliability.report.parts.soak import BACKLOG, HALF_AN_HOUR, SOAK, TEN_MINUTES
from tests.reliability.report.parts.suites import COMPATIBILITY, ODD_DATA, ROWS, SECURITY


def _by_name(*parts: Part) -> dict[str, Part]:
    return {part.name: part for part in parts}


PARTS: Final = _by_name(
    ROWS,
    ODD_DATA,
    SECURITY,
    COMPATIBILITY,
    SIMULATION,
    PLANTED,
    FUZZ,
    KILLS,
    READER_KILLS,
    BOUNDS,
    OUTAGES,
    LOST_ANSWERS,
    SOAK,
    BACKLOG,
)
"""The parts that `make prove` runs."""
LONG: Final = _by_name(TEN_MINUTES, HALF_AN_HOUR, MILLION)
"""The parts that run only on request."""
