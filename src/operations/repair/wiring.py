"""Builds a repair for a connection."""

from collections.abc import Mapping, Sequence
from random import SystemRandom

from compactor.projection import DELTA_ID
from operations.connection import Connection
from operations.deltas import DeltaSender
from operations.persistence import Persistence
from operations.readers import Reader, Readers
from operations.repair.changes import QueueChanges
from operations.repair.delta_objects import S3DeltaObjects
from operations.repair.repairing import Guard, Repair
from operations.silence import Silence
from receipt_sync.clock import SystemClock
from stream_processor.publisher import SQSOutbox


class ReaderRecords:
    """Records of a published snapshot; none before a first publish."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def count(self) -> int:
        return self._reader.count() if self._reader.version else 0

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        records = self._reader.get(ids) if self._reader.version else {}
        found = {chroma_id: r.metadata.get(DELTA_ID) for chroma_id, r in records.items()}
        return {chroma_id: str(delta_id) for chroma_id, delta_id in found.items() if delta_id}


def repair_of(connection: Connection, readers: Readers, guard: Guard) -> Repair:
    """A repair that sends to the connection's queue."""
    names, clock = connection.names, SystemClock()
    return Repair(
        changes=changes_of(connection),
        deltas=DeltaSender(
            connection.s3,
            names.bucket,
            connection.sqs,
            names.compaction_queue_url,
            Persistence(clock, SystemRandom()),
            new_id=_no_new_id,
        ),
        objects=S3DeltaObjects(connection.s3, names.bucket),
        records={name: ReaderRecords(reader) for name, reader in readers.items()},
        guard=guard,
        clock=clock,
    )


def changes_of(connection: Connection) -> QueueChanges:
    """A sender of change messages to the connection's queue."""
    url = connection.names.compaction_queue_url
    outbox = SQSOutbox(connection.sqs, url, SystemRandom(), Silence())
    return QueueChanges(outbox, SystemClock())


def _no_new_id() -> str:
    raise AssertionError("a repair sends vectors again, it makes none")
