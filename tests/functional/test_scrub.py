"""The scrub with Chroma, and with the table and the bucket of the local AWS (I12)."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mypy_boto3_dynamodb import DynamoDBClient
from mypy_boto3_s3 import S3Client

from compactor.batch.entries import QueueMessage
from compactor.scrub.ticks import tick_all
from compactor.wiring import Worker, build_worker
from local.stack import Stack
from receipt_index.deltas import VectorBatch, encode
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key, to_body
from receipt_sync.settings import CompactorSettings
from receipt_sync.telemetry import Metric
from tests.support.fakes.system import line
from tests.support.fakes.telemetry import RecordingTelemetry
from tests.support.lost_vectors import lose_vectors

LINES, EACH = 250, 50
INTERVAL = 30.0
"""The interval in which each record is compared. Production has a day."""
KEYS = [line(number) for number in range(LINES)]
IDS = [key.chroma_id for key in KEYS]
DELTA = "01HZX0000000000000000000AA"


@pytest.fixture
def telemetry() -> RecordingTelemetry:
    return RecordingTelemetry()


@pytest.fixture
def worker(stack_environment: Stack, telemetry: RecordingTelemetry, tmp_path: Path) -> Worker:
    settings = CompactorSettings.read(
        {
            **stack_environment.variables,
            "ENVIRONMENT": "test",
            "WORKING_COPY_ROOT": str(tmp_path / "worker"),
            "SCRUB_INTERVAL_SECONDS": str(INTERVAL),
            "SCRUB_PATIENCE_SECONDS": "1",
        }
    )
    return build_worker(settings, telemetry)


def load(dynamodb: DynamoDBClient, table: str, s3: S3Client, bucket: str, worker: Worker) -> None:
    """Put lines into the table, and apply their vectors."""
    for start in range(0, LINES, 25):
        puts = [
            {
                "PutRequest": {
                    "Item": {
                        "PK": {"S": key.pk},
                        "SK": {"S": key.sk},
                        "text": {"S": f"text {key.line_id}"},
                        "confidence": {"N": "0.5"},
                        "embedding_status": {"S": "SUCCESS"},
                    }
                }
            }
            for key in KEYS[start : start + 25]
        ]
        dynamodb.batch_write_item(RequestItems={table: puts})  # type: ignore[dict-item]
    texts = tuple(f"text {key.line_id}" for key in KEYS)
    vectors = np.random.default_rng(1).normal(size=(LINES, 16)).astype(np.float32)
    batch = VectorBatch(DELTA, tuple(IDS), vectors, texts)
    s3.put_object(Bucket=bucket, Key=delta_key(Collection.LINES, DELTA), Body=encode(batch))
    body = to_body(Delta.of(Collection.LINES, DELTA, LINES))
    report = worker.compactor.handle([QueueMessage("1", body)], Deadline(worker.clock, 60))
    assert report.returned == {}


def damage(store: S3SnapshotStore, folder: Path) -> None:
    """Publish a version in which 200 records are wrong, as a fault of the index would."""
    settings = CopySettings("a fault", timedelta(days=1))
    copy = WorkingCopy(store, Collection.LINES, folder, open_exact_chroma, SystemClock(), settings)
    index = copy.checkout()
    copy.mark_dirty()
    index.update({one: {"text": "damaged", "foreign": 1} for one in IDS[:EACH]})
    index.delete(IDS[EACH : 2 * EACH])
    ghosts = [line(number, "ghost").chroma_id for number in range(EACH)]
    vector = np.ones(16, np.float32)
    index.insert([NewVector(one, vector, "ghost", {"text": "ghost"}) for one in ghosts])
    count = index.count()
    copy.close()
    lose_vectors(folder / "working", IDS[2 * EACH : 3 * EACH])
    copy.publish(count)


def found_by(store: S3SnapshotStore, folder: Path) -> dict[str, Any]:
    """Return every field, text and vector of the published version."""
    with SnapshotReader(store, Collection.LINES, folder) as reader:
        reader.refresh()
        ids = list(reader.ids())
        records, vectors = reader.get(ids), reader.vectors(ids)
        return {
            one: (
                dict(records[one].metadata),
                records[one].document,
                vectors[one].round(4).tolist(),
            )
            for one in ids
        }


def test_records_damaged_in_four_ways_are_repaired_within_one_interval_and_each_counted(
    worker: Worker,
    telemetry: RecordingTelemetry,
    dynamodb: DynamoDBClient,
    table: str,
    s3: S3Client,
    bucket: str,
    tmp_path: Path,
) -> None:
    load(dynamodb, table, s3, bucket, worker)
    store = S3SnapshotStore(s3, bucket, Collection.LINES)
    right = found_by(store, tmp_path / "before")
    tick_all(worker.cycles, Deadline(worker.clock, 60), telemetry)
    assert telemetry.total(Metric.DIFFERENCES_FOUND) == 0
    damage(store, tmp_path / "fault")
    end = time.monotonic() + INTERVAL
    while time.monotonic() < end and telemetry.total(Metric.DIFFERENCES_REPAIRED) < 4 * EACH:
        tick_all(worker.cycles, Deadline(worker.clock, 60), telemetry)
        time.sleep(0.3)
    assert telemetry.problems == []
    assert telemetry.total(Metric.DIFFERENCES_FOUND) == 4 * EACH
    assert telemetry.total(Metric.DIFFERENCES_REPAIRED) == 4 * EACH
    assert found_by(store, tmp_path / "after") == right
    tick_all(worker.cycles, Deadline(worker.clock, 60), telemetry)
    assert telemetry.total(Metric.DIFFERENCES_FOUND) == 4 * EACH


def test_scrubbing_takes_at_most_a_tenth_of_the_cycles(
    worker: Worker,
    dynamodb: DynamoDBClient,
    table: str,
    s3: S3Client,
    bucket: str,
) -> None:
    load(dynamodb, table, s3, bucket, worker)
    cycle = worker.cycles[Collection.LINES]
    scrub = cycle._scrub
    assert scrub is not None
    spent: list[float] = []
    spend = scrub._share.spend

    def noted(seconds: float, steps: int) -> None:
        spent.append(seconds)
        spend(seconds, steps)

    scrub._share.spend = noted  # type: ignore[method-assign]
    begun = time.monotonic()
    body = to_body(Delta.of(Collection.LINES, DELTA, LINES))
    for number in range(40):
        message = QueueMessage(str(number), body)
        assert worker.compactor.handle([message], Deadline(worker.clock, 60)).returned == {}
    assert len(spent) >= 2
    assert sum(spent[:-1]) <= 0.1 * (time.monotonic() - begun)
