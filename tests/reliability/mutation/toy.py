"""Mutants for the tests of this folder."""

from dataclasses import replace
from typing import Final

from tests.reliability.mutation.mutant import Mutant

CONSTANT: Final = Mutant(
    path="src/compactor/toy.py",
    definition="",
    operator="NumberReplacer",
    first_line=3,
    last_line=3,
    before="LIMIT = 3",
    after="LIMIT = 4",
    code="LIMIT = 4\n",
    runs_at_import=True,
    constant="LIMIT",
)
LINE: Final = replace(
    CONSTANT,
    definition="apply",
    first_line=7,
    last_line=8,
    before="return a and b",
    after="return a",
    runs_at_import=False,
    constant="",
)
