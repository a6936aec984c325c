"""The mutants that are equivalent to the product, by name and with the reason."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from tests.reliability.mutation.mutant import Mutant

KEPT: Final = Path(__file__).with_name("equivalent.toml")


@dataclass(frozen=True)
class Equivalent:
    """A line whose changes to `after` make no difference that a user sees, and why.

    Spaces do not count. Without `after`, each change of the line is meant.
    """

    path: str
    before: str
    reason: str
    after: Sequence[str] = ()

    def fits(self, mutant: Mutant) -> bool:
        return (
            fnmatch(mutant.path, self.path)
            and _bare(mutant.before) == _bare(self.before)
            and (not self.after or _bare(mutant.after) in map(_bare, self.after))
        )


def _bare(text: str) -> str:
    return "".join(text.split())


def kept(path: Path = KEPT) -> list[Equivalent]:
    """Return all entries of the list."""
    return [Equivalent(**entry) for entry in tomllib.loads(path.read_text())["mutant"]]


def reason_of(mutant: Mutant, known: Sequence[Equivalent]) -> str:
    """Return why a mutant is equivalent, or nothing if the list does not name it."""
    return next((each.reason for each in known if each.fits(mutant)), "")
