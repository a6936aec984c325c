"""Readers of the published snapshots. They refresh at random moments, with the same faults."""

from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from receipt_index.server.reader import ServerReader
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.reading.turns import DAMAGE_KEPT_FOR
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.checks.publishes import Records
from tests.reliability.simulation.environment.scheduler import Task
from tests.reliability.simulation.faults.faults import Kind

_LONGEST_LIFE: Final = 0.15
"""Longest time in seconds of a refresh until a signal ends the process."""

if TYPE_CHECKING:
    from tests.reliability.simulation.environment.simulated_system import (
        SimulatedSystem,
        WorkerProcess,
    )


class FollowingReader:
    """A reader that serves a collection in one process after another."""

    def __init__(self, system: "SimulatedSystem", number: int) -> None:
        self._system, self._number = system, number
        self._collection = list(Collection)[number % 2]
        self._starts = 0
        self._highest = 0
        """The highest version that any process of this reader has served."""
        self._process: WorkerProcess | None = None
        self._reader: SnapshotReader | ServerReader | None = None
        self._task: Task | None = None

    @property
    def collection(self) -> Collection:
        return self._collection

    @property
    def snapshot(self) -> SnapshotReader | ServerReader:
        """Return the reader. Raises RuntimeError before the first refresh."""
        if self._reader is None:
            raise RuntimeError("no reader was made")
        return self._reader

    def restart(self) -> None:
        """End the process in the middle of a refresh, and follow in a new one on its folder."""
        scheduler = self._system.scheduler
        if self._process is not None and self._process.alive:
            if self._task is None or self._task.done:
                self._task = scheduler.spawn(self._process, self._follow)
            fraction = self._system.random.fraction("reader ends", self._number, scheduler.now)
            scheduler.sleep(_LONGEST_LIFE * fraction)
            scheduler.kill(self._process)
        self.refresh()

    def refresh(self) -> None:
        """Start the process if needed, and follow. The served version must be a published one."""
        scheduler = self._system.scheduler
        while self._task is not None and not self._task.done:
            scheduler.wait(self._task.ended)  # The reader has one thread.
        if self._process is None or not self._process.alive:
            self._starts += 1
            self._process = self._system.start(f"reader-{self._number}.{self._starts}")
            self._reader = self._system.reader(self._number, self._collection)
        task = self._task = scheduler.spawn(self._process, self._follow)
        scheduler.wait(task.ended)
        if task.error is not None and self._process.alive:
            raise task.error

    def _follow(self) -> None:
        reader, observer = self.snapshot, self._system.observer
        begun = self._system.scheduler.now
        try:
            reader.refresh()
            if reader.version:
                self._check(reader, observer.publishes.last[self._collection].versions)
        except (ClientError, BotoCoreError, IndexFailedError):
            return  # The next refresh tries again.
        except SnapshotDamagedError as error:
            if not self._was_shown_an_earlier_manifest(begun):
                # A reader reports the same manifest as damaged for a while, without another look.
                seen = begun - DAMAGE_KEPT_FOR
                observer.retention.found_damaged(seen, f"reader of {self._collection}: {error}")

    def _check(self, reader: SnapshotReader | ServerReader, versions: dict[int, Records]) -> None:
        """Check that the served version is a published one, and not lower than the last one."""
        fail, version = self._system.scheduler.fail, reader.version
        if version < self._highest:
            fail(Check.READER_VERSION, f"a reader went from version {self._highest} to {version}")
        self._highest = version
        if isinstance(reader, ServerReader):
            return  # The records on a server may change at any time.
        expected = versions[version]
        if set(reader.ids()) != set(expected):
            fail(Check.READER_CONTENT, f"a reader of version {version} sees other records")
        found, vectors = reader.get(list(expected)), reader.vectors(list(expected))
        for chroma_id, record in found.items():
            served = (dict(record.metadata), record.document, vectors[chroma_id].tobytes())
            if served != expected[chroma_id]:
                fail(Check.READER_CONTENT, f"a reader of {version} serves another {chroma_id}")

    def _was_shown_an_earlier_manifest(self, since: float) -> bool:
        """Return whether the bucket gave this process a stale manifest since `since`."""
        process = self._system.scheduler.process.name
        return any(
            one.process == process and one.fault.kind is Kind.STALE and one.at >= since
            for one in self._system.faults.injected
        )
