"""Logs, metrics and traces behind one Protocol.

Receipt text never enters any of the three (I8). Callers pass keys, counts, field names and
durations only. `receipt_functions.telemetry` implements the Protocol with Powertools.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any, Protocol, TypeAlias

STREAM_PROCESSOR_NAMESPACE = "ChromaDB/StreamProcessor"
COMPACTION_NAMESPACE = "ChromaDB/Compaction"

Fact: TypeAlias = str | int
"""A value of an annotation, by which a trace can be found."""


class Metric(StrEnum):
    """Every metric of the system. The specification of the system fixes the first seven names."""

    STREAM_RECORDS_PROCESSED = "StreamRecordsProcessed"
    STREAM_PROCESSING_LATENCY = "StreamProcessingLatency"
    SQS_MESSAGES_QUEUED = "SQSMessagesQueued"
    STREAM_PROCESSING_ERRORS = "StreamProcessingErrors"
    COMPACTION_LOCK_CONTENTIONS = "CompactionLockContentions"
    COMPACTION_DURATION = "CompactionDuration"
    METADATA_UPDATES_APPLIED = "MetadataUpdatesApplied"
    FRESHNESS = "Freshness"
    RECORDS_PARKED = "RecordsParked"
    VECTORS_APPLIED = "VectorsApplied"
    VECTORS_DROPPED = "VectorsDropped"
    RECORDS_DELETED = "RecordsDeleted"
    STALE_VECTORS_WRITTEN = "StaleVectorsWritten"
    TABLE_ITEMS_READ = "TableItemsRead"
    TABLE_REQUESTS = "TableRequests"
    INDEX_CALLS = "IndexCalls"
    BYTES_PUBLISHED = "BytesPublished"
    PUBLISHES_REFUSED = "PublishesRefused"
    REBASES_POSTPONED = "RebasesPostponed"
    REBUILDS = "Rebuilds"
    REBUILDS_POSTPONED = "RebuildsPostponed"
    MASS_DELETES_REFUSED = "MassDeletesRefused"
    SNAPSHOTS_DAMAGED = "SnapshotsDamaged"


class Telemetry(Protocol):
    """Accepts the logs, metrics and traces of the logic."""

    def event(self, name: str, **fields: Any) -> None:
        """Write one log line at INFO."""
        ...

    def problem(self, name: str, **fields: Any) -> None:
        """Write one log line at ERROR. It reports a problem that needs a person's attention."""
        ...

    def measure(self, metric: Metric, value: float) -> None:
        """Record one value of a metric. Several values of one invocation form a histogram."""
        ...

    def measure_all(self, metric: Metric, values: Sequence[float]) -> None:
        """Record each of some values of a metric."""
        ...

    def step(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """Trace the block as a part of the invocation, with `facts` as annotations."""
        ...

    def trace_header(self) -> str | None:
        """Return the trace header for messages that this step sends, or None without a trace."""
        ...
