"""The schedule of the scrub, and a fault that damages records without any message."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import numpy as np

import compactor.handler
from receipt_index.exact.index import ExactIndex
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import DELTA_ID, Metadata, NewVector
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.errors import IndexFailedError, PublishRefusedError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.reliability.simulation.actors.producers import DIMENSION
from tests.reliability.simulation.checks.publishes import DAMAGER
from tests.reliability.simulation.environment.functions import COMPACTOR_SECONDS, Slot
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.environment.threads import Clock

_TICK: Final = {"action": "tick"}
_KINDS: Final = ("changed", "deleted", "without a vector", "sound")


class Scrubbers:
    """Performs ticks, and damages records."""

    def __init__(self, system: SimulatedSystem) -> None:
        self._system = system
        self.slot = Slot(system, "compactor", 50)
        self._faults = 0

    def tick(self) -> None:
        """Invoke the function as its schedule does, unless an invocation of it still runs."""
        if not self.slot.busy:
            self.slot.invoke(compactor.handler.lambda_handler, _TICK, COMPACTOR_SECONDS)

    def damage_records(self, collection: Collection, draw: float) -> int:
        """Publish a version with damaged records; return how many there are."""
        published = self._system.observer.publishes.last[collection]
        if not published.version:
            return 0
        shift = int(draw * len(_KINDS))
        kinds = {
            one: _KINDS[(number + shift) % len(_KINDS)]
            for number, one in enumerate(sorted(published.records))
        }
        ghosts = [f"IMAGE#ghost#RECEIPT#00001#{_tail(collection)}{n:05d}" for n in range(shift)]
        damaged = sum(kind != "sound" for kind in kinds.values()) + len(ghosts)
        return damaged if self._publish(collection, kinds, ghosts) else 0

    def add_unexpected(self, collection: Collection, count: int) -> list[str]:
        """Publish a version with records that nothing in the table belongs to."""
        ghosts = [f"IMAGE#guard#RECEIPT#00001#{_tail(collection)}{n:05d}" for n in range(count)]
        return ghosts if self._publish(collection, {}, ghosts) else []

    def _publish(
        self, collection: Collection, kinds: dict[str, str], ghosts: Sequence[str]
    ) -> bool:
        self._faults += 1
        process = self._system.start(f"fault-{self._faults}")
        process.mortal = False
        task = self._system.scheduler.spawn(
            process, lambda: self._damage(collection, kinds, ghosts)
        )
        self._system.scheduler.wait(task.ended)
        # Chroma refuses every write of a poisonous record, so such a damage is not made.
        if isinstance(task.error, PublishRefusedError | SnapshotDamagedError | IndexFailedError):
            return False
        if task.error is not None:
            raise task.error
        return True

    def _damage(self, collection: Collection, kinds: dict[str, str], ghosts: Sequence[str]) -> None:
        system = self._system
        copy = WorkingCopy(
            S3SnapshotStore(system.client("s3"), "bucket", collection),
            collection,
            system.claim(f"fault-{self._faults}"),
            open_exact_chroma,
            Clock(system.scheduler),
            CopySettings(DAMAGER, timedelta(seconds=system.retention)),
        )
        index = copy.checkout()
        assert isinstance(index, ExactIndex)
        copy.mark_dirty()
        present = {one: kind for one, kind in kinds.items() if one in index.plain.get(list(kinds))}
        index.update(
            {one: {"text": "damaged"} for one, kind in present.items() if kind == "changed"}
        )
        index.delete([one for one, kind in present.items() if kind == "deleted"])
        index.plain.lose_vectors(  # type: ignore[attr-defined]
            [one for one, kind in present.items() if kind == "without a vector"]
        )
        vector = np.ones(DIMENSION, np.float32)
        fields: Metadata = {"text": "ghost", DELTA_ID: "0" * 26}
        index.insert([NewVector(one, vector, "ghost", fields) for one in ghosts])
        copy.publish(index.count())
        copy.close()


def _tail(collection: Collection) -> str:
    return "LINE#" if collection is Collection.LINES else "LINE#00000#WORD#"
