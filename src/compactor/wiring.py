"""Build a worker from its settings. Only this module uses every adapter."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from random import SystemRandom
from typing import Any

import boto3
from botocore.config import Config

from compactor.allocator import free_memory
from compactor.batch.compaction import Compactor
from compactor.batch.slices import SliceLimits
from compactor.batch.sqs_dead_letters import SQSDeadLetterQueue
from compactor.batch.sqs_queue import SQSCompactionQueue
from compactor.cycle.cycle import Cycle, Target
from compactor.cycle.delete_guard import DeleteGuard
from compactor.cycle.dynamodb_plain_items import read_plain
from compactor.cycle.dynamodb_source import DynamoDBSource
from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from compactor.locking.heartbeat import ThreadHeartbeat
from compactor.locking.lease import Lease, LeaseTerms
from compactor.locking.lock_table import lock_id_of
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.s3_delta_store import S3DeltaStore
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.copies.workspace import claim
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.keys import Collection
from receipt_sync.settings import CompactorSettings
from receipt_sync.telemetry import Telemetry

_CLIENT = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=16,
)
_UNCHECKED = Config(parameter_validation=False)
"""botocore's check of a request for a hundred keys takes 1 ms. DynamoDB checks requests itself."""


@dataclass(frozen=True)
class Worker:
    """The parts that a warm function keeps between invocations."""

    compactor: Compactor
    queue: SQSCompactionQueue
    clock: Clock


def build_worker(settings: CompactorSettings, telemetry: Telemetry) -> Worker:
    """Return a worker with its own clients, targets and leases."""
    parts = _Parts(settings, telemetry)
    sqs: Any = boto3.client("sqs", config=_CLIENT)
    make = parts.local_cycle if settings.chroma_target == "local" else parts.server_cycles()
    cycles = {collection: make(collection) for collection in Collection}
    dead_letter_queue = SQSDeadLetterQueue(sqs, settings.compaction_dlq_url)
    deltas = S3DeltaStore(parts.s3, settings.snapshot_bucket)
    compactor = Compactor(cycles, deltas, dead_letter_queue, parts.clock, telemetry, parts.limits)
    return Worker(compactor, SQSCompactionQueue(sqs, settings.compaction_queue_url), parts.clock)


class _Parts:
    """The parts that the cycles of one worker are made of."""

    def __init__(self, settings: CompactorSettings, telemetry: Telemetry) -> None:
        self._settings, self._telemetry = settings, telemetry
        self._owner = str(uuid.uuid4())
        self._randomness = SystemRandom()
        self.clock = SystemClock()
        self.limits = SliceLimits(settings.slice_bytes)
        self._guard = DeleteGuard(settings.max_delete_share, settings.max_delete_floor)
        self.s3: Any = boto3.client("s3", config=_CLIENT)
        self._dynamodb: Any = boto3.client("dynamodb", config=_CLIENT.merge(_UNCHECKED))
        read_plain(self._dynamodb)

    def local_cycle(self, collection: Collection) -> Cycle:
        """Return a cycle on a working copy, which is published as a snapshot."""
        settings = self._settings
        copy = WorkingCopy(
            self._store(collection),
            collection,
            claim(settings.working_copy_root, f"{collection}-{uuid.uuid4()}"),
            open_exact_chroma,
            self.clock,
            CopySettings(
                self._owner,
                timedelta(seconds=settings.snapshot_retention_seconds),
                partial(free_memory, settings.aws_lambda_function_memory_size * 2**20),
            ),
            lambda done, total: self._telemetry.event(
                "fetching the snapshot", collection=collection, objects=done, total=total
            ),
        )
        return self._cycle(collection, copy)

    def server_cycles(self) -> Callable[[Collection], Cycle]:
        """Return a function that makes cycles on one Chroma server, behind one circuit breaker."""
        # Imported here, because a worker with a local target needs no HTTP client.
        from compactor.powertools_breaker import breaker, shared_state
        from receipt_index.server.index import ServerIndexes
        from receipt_index.server.target import ServerTarget

        settings = self._settings
        state = shared_state(self._dynamodb, settings.dynamodb_table, settings.compaction_lock_id)
        indexes = ServerIndexes(settings, breaker(state, self._telemetry))

        def cycle(collection: Collection) -> Cycle:
            target = ServerTarget(
                self._store(collection),
                collection,
                lambda create: indexes.open(collection, create=create),
                self.clock,
                self._owner,
            )
            return self._cycle(collection, target)

        return cycle

    def _cycle(self, collection: Collection, target: Target) -> Cycle:
        lease, source = self._lease(collection), self._source()
        most = self.limits.records
        return Cycle(collection, lease, target, source, self._guard, self._telemetry, most)

    def _store(self, collection: Collection) -> S3SnapshotStore:
        return S3SnapshotStore(self.s3, self._settings.snapshot_bucket, collection)

    def _source(self) -> DynamoDBSource:
        table = self._settings.dynamodb_table
        return DynamoDBSource(self._dynamodb, table, self._randomness, self._telemetry)

    def _lease(self, collection: Collection) -> Lease:
        settings = self._settings
        return Lease(
            DynamoDBLockTable(self._dynamodb, settings.dynamodb_table),
            LeaseTerms(
                lock_id_of(settings.compaction_lock_id, collection),
                self._owner,
                timedelta(seconds=settings.lease_seconds),
            ),
            ThreadHeartbeat(settings.heartbeat_seconds, self._telemetry),
            self.clock,
            self._randomness,
            self._telemetry,
        )
