"""After any writes, the exact search finds what a comparison with every record finds."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from receipt_index.deltas import Vectors
from receipt_index.exact.index import ExactIndex
from receipt_index.exact.layout import FOLDER
from receipt_index.exact.search import ExactSearch
from receipt_index.records import NewVector
from tests.support.fakes.listed import ListedIndex
from tests.support.oracle.nearest import check_nearest

_DIMENSION = 4
_IDS = st.sampled_from([f"id{number:02d}" for number in range(24)])
_VECTORS = st.integers(0, 11)
"""The number of a vector. There are few, so that many records have the same."""
_RECORDS = st.dictionaries(_IDS, _VECTORS, min_size=1, max_size=8)
_LIMITS = st.integers(1, 30)


def vector(number: int) -> Vectors:
    """Return one of twelve vectors. The first has no direction, two have the same direction."""
    if number == 0:
        return np.zeros(_DIMENSION, np.float32)
    if number == 1:
        return vector(2) * np.float32(2)
    return np.random.default_rng(number).normal(size=_DIMENSION).astype(np.float32)


def records(chosen: dict[str, int]) -> list[NewVector]:
    return [NewVector(i, vector(n), f"text {n}", {"even": n % 2 == 0}) for i, n in chosen.items()]


class Writes(RuleBasedStateMachine):
    """Writes to an index with derived files, and opens it again."""

    def __init__(self) -> None:
        super().__init__()
        self._scratch = TemporaryDirectory()
        self.folder = Path(self._scratch.name)
        self.plain = ListedIndex()
        self.index = ExactIndex(self.plain, self.folder)

    @rule(chosen=_RECORDS)
    def insert(self, chosen: dict[str, int]) -> None:
        self.index.insert(records(chosen))

    @rule(chosen=_RECORDS)
    def replace(self, chosen: dict[str, int]) -> None:
        self.index.replace_vectors(records(chosen))

    @rule(ids=st.sets(_IDS, max_size=12))
    def delete(self, ids: set[str]) -> None:
        self.index.delete(sorted(ids))

    @rule()
    def delete_all(self) -> None:
        self.index.delete(list(self.plain.ids()))

    @rule()
    def reopen(self) -> None:
        self.index.close()
        self.index = ExactIndex(self.plain, self.folder)

    @rule()
    def lose_the_files(self) -> None:
        self.index.close()
        for path in (self.folder / FOLDER).glob("*"):
            path.unlink()
        self.index = ExactIndex(self.plain, self.folder)
        self.index.derive(None, whole=True)

    @rule(number=_VECTORS, limit=_LIMITS, filtered=st.booleans())
    def search(self, number: int, limit: int, filtered: bool) -> None:
        where: dict[str, Any] | None = {"even": True} if filtered else None
        exact = self._opened()
        if exact is None:
            return
        found = exact.search(vector(number), limit, where)
        exact.close()
        allowed = self.plain.matching(where or {})
        check_nearest(found, vector(number), self.plain.vectors(allowed), limit)

    @invariant()
    def every_row_is_used_or_free(self) -> None:
        exact = self._opened()
        if exact is not None:
            used = {row for _, row in exact._table.records()}
            numbers = np.flatnonzero(~np.isnan(exact._matrix).any(axis=1))
            assert used == set(numbers.tolist())
            assert len(exact._matrix) <= 12
            exact.close()

    def teardown(self) -> None:
        self.index.close()
        self._scratch.cleanup()

    def _opened(self) -> ExactSearch | None:
        """Return the search of a reader; None before the first write."""
        folder = self.folder / FOLDER
        return ExactSearch(folder, self.plain.count(), self.plain) if folder.exists() else None


Writes.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestWrites = Writes.TestCase
