"""Readers of the published snapshots: they refresh at odd moments, and meet the same faults."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from compactor.snapshot.reader import SnapshotReader
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.simulation.checks import Check
from tests.simulation.scheduler import Task

if TYPE_CHECKING:
    from tests.simulation.world import WorkerProcess, World


class FollowingReader:
    """One process that serves a collection for as long as it lives."""

    def __init__(self, world: "World", number: int) -> None:
        self._world, self._number = world, number
        self._collection = list(Collection)[number % 2]
        self._starts = 0
        self._process: WorkerProcess | None = None
        self._reader: SnapshotReader | None = None
        self._task: Task | None = None

    @property
    def collection(self) -> Collection:
        return self._collection

    @property
    def snapshot(self) -> SnapshotReader:
        """What is served. Raises RuntimeError before the first refresh."""
        if self._reader is None:
            raise RuntimeError("no reader was made")
        return self._reader

    def refresh(self) -> None:
        """Start if need be, and follow; what is served must be a version that was published."""
        scheduler = self._world.scheduler
        while self._task is not None and not self._task.done:
            scheduler.wait(self._task.ended)  # it has one thread
        if self._process is None or not self._process.alive:
            self._starts += 1
            self._process = self._world.start(f"reader-{self._number}.{self._starts}")
            self._reader = self._world.reader(self._process, self._collection)
        task = self._task = scheduler.spawn(self._process, self._follow)
        scheduler.wait(task.ended)
        if task.error is not None and self._process.alive:
            raise task.error

    def _follow(self) -> None:
        reader, observer = self.snapshot, self._world.observer
        begun, served = self._world.scheduler.now, reader.version
        try:
            reader.refresh()
        except (ClientError, BotoCoreError, IndexFailedError):
            return  # the next refresh tries again
        except SnapshotDamagedError as error:
            observer.retention.found_damaged(begun, f"reader of {self._collection}: {error}")
            return
        if reader.version < served:
            self._world.scheduler.fail(
                Check.READER_VERSION, f"a reader went from version {served} to {reader.version}"
            )
        if reader.version == 0:
            return
        expected = observer.publishes.last[self._collection].versions[reader.version]
        if set(reader.ids()) != set(expected):
            self._world.scheduler.fail(
                Check.READER_CONTENT, f"a reader of version {reader.version} sees other records"
            )
