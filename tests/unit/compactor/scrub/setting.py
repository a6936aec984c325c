"""A collection of lines with a scrub, on fakes."""

from datetime import timedelta

import numpy as np

from compactor.cycle.cycle import Cycle, CycleReport
from compactor.cycle.delete_guard import DeleteGuard
from compactor.scrub.scrub import ScrubReport, ScrubSettings
from receipt_index.records import NewVector, Record
from receipt_index.snapshot.format.scrub_state import ScrubState
from receipt_sync.keys import Collection, EntityKey
from tests.support.fakes.system import DIMENSION, InMemorySystem, line, metadata

PATIENCE = 60.0
SETTINGS = ScrubSettings(timedelta(days=1), PATIENCE)


class Setting:
    """A system with some lines whose vectors are applied."""

    def __init__(self, lines: int = 5) -> None:
        self.system = InMemorySystem()
        self.keys = [line(number) for number in range(lines)]
        self.system.table.put(metadata(), merchant_name="Cafe")
        for key in self.keys:
            self.system.table.put(key, text=f"text {key.line_id}", embedding_status="SUCCESS")
        self.apply(self.system.delta_body(self.keys))
        self.cycle = self.new_cycle()

    def new_cycle(self, guard: DeleteGuard | None = None) -> Cycle:
        """Return the cycle of lines of another worker."""
        return self.system.cycles(guard=guard, scrub=SETTINGS)[Collection.LINES]

    def apply(self, *bodies: str) -> None:
        """Apply messages without a scrub."""
        assert self.system.handle(self.system.worker(), *bodies).returned == {}

    @property
    def state(self) -> ScrubState:
        state = self.system.published[Collection.LINES].scrub
        assert state is not None
        return state

    @property
    def state_or_none(self) -> ScrubState | None:
        return self.system.published[Collection.LINES].scrub

    @property
    def records(self) -> dict[str, Record]:
        return self.system.index().records

    def tick(self, wait: float = 0.0) -> ScrubReport:
        """Wait, and then run a tick."""
        self.system.clock.advance(wait)
        report = self.cycle.tick(self.system.deadline())
        assert isinstance(report, CycleReport)
        assert report.scrub is not None
        return report.scrub

    def two_looks(self) -> ScrubReport:
        """Run the first look and the second one, and return the report of the second."""
        first = self.tick()
        assert (first.found, first.repaired) == (0, 0)
        return self.tick(PATIENCE)

    # -- damage behind the system's back. The next checkout sees it.

    def change(self, key: EntityKey, **fields: object) -> None:
        record = self.records[key.chroma_id]
        changed = {**record.metadata, **fields}
        self.records[key.chroma_id] = Record(record.id, changed, record.document)
        self._published()

    def delete(self, key: EntityKey) -> None:
        del self.records[key.chroma_id]
        del self.system.index().stored_vectors[key.chroma_id]
        self._published()

    def add(self, chroma_id: str) -> None:
        vector = np.ones(DIMENSION, np.float32)
        self.system.index().insert([NewVector(chroma_id, vector, "t", {"text": "t"})])
        self._published()

    def remove_vector(self, key: EntityKey) -> None:
        self.system.index().stored_vectors[key.chroma_id] = np.array([], np.float32)
        self._published()

    def _published(self) -> None:
        self.system.published[Collection.LINES].version += 1
