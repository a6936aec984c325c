"""All parts of the proof, in the order in which they run.

A new campaign gets a file of its own with its Part, and a place in PARTS.
"""

from typing import Final

from tests.prove.bounding import BOUNDS
from tests.prove.feeding import FUZZ
from tests.prove.histories import MILLION, PLANTED, SIMULATION
from tests.prove.loading import BACKLOG, HALF_AN_HOUR, SOAK, TEN_MINUTES
from tests.prove.losing import LOST_ANSWERS
from tests.prove.part import Part
from tests.prove.reader_kills import READER_KILLS
from tests.prove.striking import KILLS, OUTAGES
from tests.prove.tested import COMPATIBILITY, ODD_DATA, ROWS, SECURITY


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
"""What `make prove` runs."""
LONG: Final = _by_name(TEN_MINUTES, HALF_AN_HOUR, MILLION)
"""What runs only if somebody asks for it."""
