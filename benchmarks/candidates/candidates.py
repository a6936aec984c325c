"""The candidates that several benchmarks share, and the rounds of changes that all of them get."""

from collections.abc import Mapping
from typing import Any

from benchmarks.candidates.environment import Environment
from benchmarks.candidates.ours import Compaction
from benchmarks.meters.changes import Changer, Kind, Round
from benchmarks.meters.corpus import COLLECTION
from benchmarks.meters.snapshots import restore
from receipt_index.chroma import ChromaIndex


class Rounds:
    """The changes of a round. They are made once for all candidates."""

    def __init__(self, changer: Changer) -> None:
        self._changer, self._begun = changer, -1
        self.kind = Kind.FIELD
        self.present = Round((), {}, ())
        self.published = 0
        """The bytes of the last pack that ours published."""

    def begin(self, number: int) -> None:
        """Write the changes of round `number` to the table, unless another candidate did."""
        if number != self._begun:
            self._begun, self.present = number, self._changer.change(number, self.kind)


class Ours:
    """This project's whole cycle."""

    def __init__(self, rounds: Rounds, compaction: Compaction) -> None:
        self._rounds, self._compaction = rounds, compaction

    def prepare(self, number: int) -> None:
        self._rounds.begin(number)

    def run(self) -> None:
        report = self._compaction.handle(self._rounds.present.messages)
        self._rounds.published = sum(cycle.uploaded for cycle in report.cycles)


class RawUpdate:
    """Chroma's own update of the same records, on an open collection, and nothing else."""

    def __init__(self, rounds: Rounds, environment: Environment, name: str) -> None:
        self._rounds = rounds
        self.index = ChromaIndex(
            restore(environment.snapshot, environment.folder / name), COLLECTION
        )

    @property
    def values(self) -> Mapping[str, dict[str, Any]]:
        """The changed metadata of the round, by Chroma id."""
        return self._rounds.present.values

    def prepare(self, number: int) -> None:
        self._rounds.begin(number)

    def run(self) -> None:
        self.index.update(self.values)

    def close(self) -> None:
        self.index.close()
