"""All parts of one history: the environment, the functions, and their observer."""

import shutil
from collections.abc import Collection as Sized
from collections.abc import Mapping
from functools import lru_cache, partial
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, Final

import compactor.wiring
import stream_processor.handler
import stream_processor.wiring
from receipt_index.server.reader import ServerReader
from receipt_index.snapshot.copies import mtime_marks
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.keys import Collection
from receipt_sync.settings import CompactorSettings, StreamProcessorSettings
from stream_processor.processor import StreamProcessor
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.checks.lock_watch import LockWatch
from tests.reliability.simulation.checks.observer import Observer
from tests.reliability.simulation.environment.functions import QueuePoller, Shard, Slot, aws
from tests.reliability.simulation.environment.gate import Gate
from tests.reliability.simulation.environment.paged_index import PagedIndex
from tests.reliability.simulation.environment.queues import Queue, SQSClient, Traffic
from tests.reliability.simulation.environment.s3 import ObjectStore, S3Client
from tests.reliability.simulation.environment.scheduler import Process, Scheduler, Task
from tests.reliability.simulation.environment.seeded_random import SeededRandom
from tests.reliability.simulation.environment.server import ChromaServer
from tests.reliability.simulation.environment.slots import ReaderSlot, Slots
from tests.reliability.simulation.environment.table import (
    Attributes,
    DynamoDBClient,
    Key,
    StreamRecord,
    Table,
)
from tests.reliability.simulation.environment.telemetry import WatchfulTelemetry
from tests.reliability.simulation.faults.error_types import EXPECTED
from tests.reliability.simulation.faults.faults import Faults
from tests.reliability.simulation.workload.script import Script

_URL: Final = "https://queues/"
_SHARDS: Final = 2
_PATIENCE: Final = 60_000
_LONGEST_LAG: Final = 8.0
"""Longest delay in seconds of a read of the table without consistency."""


class WorkerProcess(Process):
    """A process of one of the functions, with the state that it keeps while it is warm."""

    def __init__(self, name: str, skew: float, telemetry: WatchfulTelemetry) -> None:
        super().__init__(name, skew)
        self.telemetry = telemetry
        self.worker: Any = None
        self.folders: list[Path] = []
        self.invoked_at = 0.0
        self.folder_numbers = count(1)
        self.restart_mtime_marks()

    def restart_mtime_marks(self) -> None:
        """Restart the numbering of marks, as production does in a new process."""
        self.mtime_marks = count(mtime_marks._FIRST_S, mtime_marks._STEP_S)


class SimulatedSystem:
    """The state of one history."""

    def __init__(self, script: Script, folder: Path) -> None:
        self.script, self.conditions = script, script.conditions
        self.folder = folder
        self.random = SeededRandom(script.seed)
        self.scheduler = Scheduler(_PATIENCE)
        self.faults = Faults(
            self.random.key, self.conditions.rates, self.conditions.targets, script.kept_faults
        )
        self.gate = Gate(self.scheduler, self.faults)
        self.table, self.store = (
            Table(lambda: self.scheduler.now),
            ObjectStore(lambda: self.scheduler.now),
        )
        self.refused_ids: set[str] = set()
        self._slots_of_readers = Slots(self.scheduler)
        self.server = ChromaServer(self)
        server = self.server if self.conditions.server else None
        self.observer = Observer(self.scheduler, self.store, folder / "observer", server)
        self.flags_off: set[str] = set()
        self.lease, self.retention = self.conditions.lease, self.conditions.retention
        self.observer.retention.largest_skew = self.conditions.skew
        self.observer.retention.shortest = self.retention
        self._processes: dict[str, WorkerProcess] = {}
        self._numbers = 0
        self._make_queues()
        self._make_clients()
        self._watch()
        self.slots = [Slot(self, "compactor", n) for n in range(self.conditions.workers)]
        self.drain_slots = [Slot(self, "drain", 0)]
        self.shards = [Shard(self, Slot(self, "stream", n)) for n in range(_SHARDS)]
        pollers: list[QueuePoller | Shard] = [QueuePoller(self, slot) for slot in self.slots]
        self.pollers = [
            self.scheduler.spawn(aws("poller"), poller.run) for poller in [*pollers, *self.shards]
        ]

    # -- objects that production gets through `environment` --

    def client(self, service: str) -> Any:
        return self._clients[service]

    def worker(self) -> Any:
        """Return the worker of the running process.

        Production's wiring builds it in a cold process.
        """
        process = self._process()
        if process.worker is None:
            process.worker = compactor.wiring.build_worker(self._compactor(), process.telemetry)
        return process.worker

    def stream_processor(self) -> StreamProcessor:
        """Return the stream processor of the running process, built as the handler builds it."""
        process = self._process()
        if process.worker is None:
            settings = self._stream_settings()
            process.worker = stream_processor.wiring.build_processor(settings, process.telemetry)
        processor: StreamProcessor = process.worker
        return processor

    def telemetry(self) -> WatchfulTelemetry:
        return self._process().telemetry

    def randomness(self) -> Random:
        return self.random.source("randomness", self.scheduler.process.name)

    def claim(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        self._process().folders.append(folder)
        return folder

    def claim_slot(self, root: Path) -> ReaderSlot:
        return self._slots_of_readers.claim(root)

    def uuid(self) -> str:
        self._numbers += 1
        return f"00000000-0000-4000-8000-{self._numbers:012d}"

    def checked_out(self, collection: Collection, version: int, index: PagedIndex) -> None:
        """Check that a worker's checked-out copy equals the published version."""
        held = {
            i: (dict(r.metadata), r.document, index.stored_vectors[i].tobytes())
            for i, r in index.records.items()
        }
        if held != self.observer.publishes.last[collection].versions[version]:
            self.scheduler.fail(
                Check.CHECKOUT,
                f"{self.scheduler.process.name} checked out {collection} {version}, and its copy "
                "is not what was published",
            )

    # -- processes --

    def start(self, name: str) -> WorkerProcess:
        """Start a cold process with the current settings. Remove the files of dead processes."""
        for dead in [p for p in self._processes.values() if not p.alive]:
            del self._processes[dead.name]
            for folder in dead.folders:
                shutil.rmtree(folder, ignore_errors=True)
        skew = self.conditions.skew * (2 * self.random.fraction("skew", name) - 1)
        telemetry = WatchfulTelemetry(self.scheduler, self._found_damaged, self._waited)
        process = WorkerProcess(name, skew, telemetry)
        self._processes[name] = process
        return process

    def _found_damaged(self) -> None:
        process = self._process()
        self.observer.retention.found_damaged(
            process.invoked_at, f"{process.name} found a snapshot damaged"
        )

    def reader(self, number: int, collection: Collection) -> SnapshotReader | ServerReader:
        """Return a reader on the folder that all processes of this reader use, or on the server."""
        store = S3SnapshotStore(self._clients["s3"], "bucket", collection)
        if self.conditions.server:
            opened: Any = partial(self.server.open, collection, create=False)
            return ServerReader(store, collection, opened)
        return SnapshotReader(store, collection, self.folder / f"reader-{number}")

    def counters(self) -> "WorkerProcess":
        """Return the running process, which holds its own counters."""
        return self._process()

    def passed_stream(self, records: list[StreamRecord]) -> None:
        """Check the records that the stream's position has passed."""
        for record in records:
            self.observer.acknowledgements.on_stream_passed(record)

    # -- assembly --

    def _make_queues(self) -> None:
        given = self.conditions
        traffic = Traffic(given.doubled, given.delayed, longest_delay=60.0)
        calm = Traffic(0.0, 0.0, 0.0)

        def queue(name: str, traffic: Traffic) -> Queue:
            return Queue(name, self.scheduler, self.random, traffic, given.visibility)

        self.compaction_queue = queue("compaction", traffic)
        self.compaction_dlq = queue("compaction-dlq", calm)
        self.stream_dlq = queue("stream-dlq", calm)
        self.compaction_queue.max_receives = given.max_receives
        self.compaction_queue.dead_letters = self.compaction_dlq

    def _make_clients(self) -> None:
        queues = (self.compaction_queue, self.compaction_dlq, self.stream_dlq)
        self._clients: Mapping[str, Any] = {
            "dynamodb": DynamoDBClient(
                self.table,
                self.gate,
                self.conditions.query_page,
                LockWatch(self.scheduler),
                lambda: _LONGEST_LAG * self.random.fraction("lag", self.scheduler.now),
            ),
            "s3": S3Client(self.store, self.gate),
            "sqs": SQSClient({_URL + queue.name: queue for queue in queues}, self.gate),
        }

    def _watch(self) -> None:
        self.scheduler.on_error = self._check_error
        observer = self.observer.acknowledgements
        observer.deadly = self.gate.deadly
        self.store.watcher = self.observer
        self.table.on_change = self._changed
        self.compaction_queue.on_accept = observer.on_accept
        self.compaction_queue.on_delete = observer.on_acknowledge
        self.compaction_dlq.on_accept = observer.on_dead_letter
        self.stream_dlq.on_accept = observer.on_parked

    def _changed(self, key: Key, old: Attributes | None, new: Attributes | None) -> None:
        if key[0].startswith("LOCK#"):
            return  # The filter criteria of the mapping do the same.
        record = StreamRecord(self.table.tick, key, old, new, self.scheduler.now)
        self.observer.past.on_change(record.tick, key, new)
        self.shards[hash_of(key) % _SHARDS].append(record)

    def check_answered(self, who: str, returned: Sized[Any]) -> None:
        """Check that nothing is returned if only answers were lost, because all work was done."""
        if self.conditions.only_lost_answers and returned:
            self.scheduler.fail(
                Check.LOST_ANSWERS, f"{who} returns {returned}, though only answers were lost"
            )

    def _waited(self) -> None:
        """Fail the history if a worker finds the lease held although only answers were lost."""
        if self.conditions.only_lost_answers:
            name = self.scheduler.process.name
            self.scheduler.fail(Check.LOST_ANSWERS, f"{name} waits for a lease that is its own")

    def _check_error(self, task: Task, error: Exception) -> None:
        """Check that an error that leaves a handler or thread of a worker has an expected type."""
        kind = type(error).__name__
        if isinstance(task.process, WorkerProcess) and kind not in EXPECTED:
            name = task.process.name
            self.scheduler.fail(Check.ERROR_TYPES, f"{name} ends with {kind}: {error}")

    def _compactor(self) -> CompactorSettings:
        target = "http" if self.conditions.server else "local"
        return _compactor_settings(self.lease, self.retention, target)

    def _stream_settings(self) -> StreamProcessorSettings:
        return _stream_settings(frozenset(self.flags_off))

    def _process(self) -> WorkerProcess:
        process = self.scheduler.process
        if not isinstance(process, WorkerProcess):
            raise TypeError(f"{process.name} runs no code of ours")
        return process


@lru_cache
def _compactor_settings(lease: float, retention: float, target: str) -> CompactorSettings:
    return CompactorSettings.read(
        {
            "ENVIRONMENT": "simulation",
            "DYNAMODB_TABLE": "receipts",
            "COMPACTION_QUEUE_URL": f"{_URL}compaction",
            "COMPACTION_DLQ_URL": f"{_URL}compaction-dlq",
            "SNAPSHOT_BUCKET": "bucket",
            "CHROMA_TARGET": target,
            "CHROMA_HOST": "server",
            "LEASE_SECONDS": str(lease),
            "HEARTBEAT_SECONDS": "15",
            "SNAPSHOT_RETENTION_SECONDS": str(retention),
        }
    )


@lru_cache
def _stream_settings(flags_off: frozenset[str]) -> StreamProcessorSettings:
    flags = {
        f"ENABLE_{kind.upper()}_UPDATES": str(kind not in flags_off)
        for kind in ("metadata", "line", "word")
    }
    return StreamProcessorSettings.read(
        {
            "ENVIRONMENT": "simulation",
            "DYNAMODB_TABLE": "receipts",
            "COMPACTION_QUEUE_URL": f"{_URL}compaction",
            "STREAM_DLQ_URL": f"{_URL}stream-dlq",
            **flags,
        }
    )


def hash_of(key: Key) -> int:
    """Return a hash that is the same in every run, unlike Python's hash."""
    return sum(map(ord, key[0]))
