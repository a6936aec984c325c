"""Builds a worker out of its settings: the one place that knows every adapter."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from random import Random, SystemRandom
from typing import Any

import boto3
from botocore.config import Config

from compactor.compaction import Compactor
from compactor.cycle import Cycle, DeleteGuard
from compactor.dead_letters import SQSDeadLetters
from compactor.delta_store import S3DeltaStore
from compactor.drain import SQSCompactionQueue
from compactor.heartbeat import ThreadHeartbeat
from compactor.index import ChromaIndex
from compactor.lease import Lease, LeaseTerms
from compactor.lock_table import DynamoDBLockTable
from compactor.snapshot.s3_store import S3SnapshotStore
from compactor.snapshot.working_copy import CopySettings, WorkingCopy
from compactor.snapshot.workspace import claim
from compactor.source import DynamoDBSource
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.keys import Collection
from receipt_sync.settings import CompactorSettings
from receipt_sync.telemetry import Telemetry

_LOCK_SUFFIX = {Collection.LINES: "lines", Collection.WORDS: "words"}
_CLIENT = Config(
    connect_timeout=3,
    read_timeout=20,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=16,
)


@dataclass(frozen=True)
class Worker:
    """What a warm function keeps between invocations."""

    compactor: Compactor
    queue: SQSCompactionQueue
    clock: Clock


def build_worker(settings: CompactorSettings, telemetry: Telemetry) -> Worker:
    """A worker with clients, working copies and leases of its own."""
    clock, randomness = SystemClock(), SystemRandom()
    owner = str(uuid.uuid4())
    sqs: Any = boto3.client("sqs", config=_CLIENT)
    s3: Any = boto3.client("s3", config=_CLIENT)
    cycles = {
        collection: _cycle(collection, settings, telemetry, owner, s3, randomness)
        for collection in Collection
    }
    dead_letters = SQSDeadLetters(sqs, settings.compaction_dlq_url)
    deltas = S3DeltaStore(s3, settings.snapshot_bucket)
    compactor = Compactor(cycles, deltas, dead_letters, clock, telemetry)
    return Worker(compactor, SQSCompactionQueue(sqs, settings.compaction_queue_url), clock)


def _cycle(
    collection: Collection,
    settings: CompactorSettings,
    telemetry: Telemetry,
    owner: str,
    s3: Any,
    randomness: Random,
) -> Cycle:
    clock = SystemClock()
    dynamodb: Any = boto3.client("dynamodb", config=_CLIENT)
    terms = LeaseTerms(
        f"{settings.compaction_lock_id}-{_LOCK_SUFFIX[collection]}",
        owner,
        timedelta(seconds=settings.lease_seconds),
    )
    lease = Lease(
        DynamoDBLockTable(dynamodb, settings.dynamodb_table),
        terms,
        ThreadHeartbeat(settings.heartbeat_seconds, telemetry),
        clock,
        randomness,
        telemetry,
    )
    copy = WorkingCopy(
        S3SnapshotStore(s3, settings.snapshot_bucket, collection),
        collection,
        claim(settings.working_copy_root, f"{collection}-{uuid.uuid4()}"),
        ChromaIndex,
        clock,
        CopySettings(owner, timedelta(seconds=settings.snapshot_retention_seconds)),
    )
    source = DynamoDBSource(dynamodb, settings.dynamodb_table, randomness, telemetry)
    guard = DeleteGuard(settings.max_delete_share, settings.max_delete_floor)
    return Cycle(collection, lease, copy, source, guard, telemetry)
