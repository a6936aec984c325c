"""A part of the proof: a campaign, the code that it tests, and its expected rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tests.reliability.report.digest import CODE, digest_of
from tests.reliability.report.parts.commands import PartFailedError
from tests.reliability.report.results import Row

Run = Callable[[bool], list[Row]]
"""Runs a campaign in its full or, for True, its quick form."""

RESULTS: Final = "results"
PLANTED_BUGS: Final = "planted bugs"
LONG_RUNS: Final = "long runs"
"""The places of docs/reliability.md, by the names of their markers."""


@dataclass(frozen=True)
class Part:
    """A campaign of the proof.

    `tests` are the campaign's own files and folders, relative to the project. `owes` holds the
    beginnings of the rows of its full form. Each row must exist once. `place` is its place in the
    document. Neighbours with the same `beside` run at the same time, because they mostly wait.
    """

    name: str
    run: Run
    tests: tuple[str, ...]
    owes: tuple[str, ...]
    place: str = RESULTS
    beside: str = ""

    @property
    def code(self) -> str:
        """Return the digest of the present code."""
        return digest_of((*CODE, *self.tests))

    def checked(self, *, quick: bool) -> list[Row]:
        """Run the campaign, and return its checked rows.

        Raises PartFailedError if a row is missing, if a row has no tries, or if the code changed
        during the run.
        """
        code = self.code
        rows = self.run(quick)
        if idle := [row.what for row in rows if row.tries == 0]:
            raise PartFailedError(f"nothing was tried for {', '.join(idle)}")
        if not quick and (missing := [what for what in self.owes if not _is_once(what, rows)]):
            raise PartFailedError(f"there is no row, or more than one, for {', '.join(missing)}")
        if self.code != code:
            raise PartFailedError("the code changed while it was tested: run the part again")
        return rows


def _is_once(what: str, rows: list[Row]) -> bool:
    return sum(row.what.startswith(what) for row in rows) == 1
