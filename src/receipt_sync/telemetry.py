"""Logs, metrics and traces behind one small Protocol.

Powertools writes them (JSON logs, EMF metrics, X-Ray subsegments); this file and `tracing` are the
only ones that know. Receipt text never enters any of the three (I8): callers pass keys, counts,
field names and durations.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Any, Protocol

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from receipt_sync.tracing import Fact, Tracing

STREAM_PROCESSOR_NAMESPACE = "ChromaDB/StreamProcessor"
COMPACTION_NAMESPACE = "ChromaDB/Compaction"


class Metric(StrEnum):
    """Every metric of the system; the first seven are the source document's."""

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
    MASS_DELETES_REFUSED = "MassDeletesRefused"
    SNAPSHOTS_DAMAGED = "SnapshotsDamaged"


UNITS = {
    Metric.STREAM_PROCESSING_LATENCY: MetricUnit.Milliseconds,
    Metric.COMPACTION_DURATION: MetricUnit.Milliseconds,
    Metric.FRESHNESS: MetricUnit.Milliseconds,
    Metric.BYTES_PUBLISHED: MetricUnit.Bytes,
}
"""Every other metric is a count."""


class Telemetry(Protocol):
    """What the logic may tell the outside about itself."""

    def event(self, name: str, **fields: Any) -> None:
        """One log line at INFO."""
        ...

    def problem(self, name: str, **fields: Any) -> None:
        """One log line at ERROR, for what a person must look at."""
        ...

    def measure(self, metric: Metric, value: float) -> None:
        """One value of a metric; several of one invocation make a histogram."""
        ...

    def step(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """A traced part of the invocation, annotated with `facts`."""
        ...

    def trace_header(self) -> str | None:
        """What a message carries for the trace to go on behind its queue; None if untraced."""
        ...


class PowertoolsTelemetry:
    """Telemetry through Powertools; `metrics` is flushed by the handler's decorator."""

    def __init__(self, logger: Logger, metrics: Metrics, tracing: Tracing) -> None:
        self.logger, self.metrics, self.tracing = logger, metrics, tracing
        self._lock = threading.Lock()  # Metrics flushes itself at a hundred values

    @classmethod
    def of(
        cls, service: str, namespace: str, environment: str, log_level: str
    ) -> "PowertoolsTelemetry":
        """Metrics carry `environment` and `service`, so that no alarm sees another deployment."""
        metrics = Metrics(namespace=namespace, service=service)
        metrics.set_default_dimensions(environment=environment)
        return cls(Logger(service=service, level=log_level), metrics, Tracing(service))

    def event(self, name: str, **fields: Any) -> None:
        self.logger.info(name, **fields)

    def problem(self, name: str, **fields: Any) -> None:
        self.logger.error(name, **fields)

    def measure(self, metric: Metric, value: float) -> None:
        with self._lock:
            self.metrics.add_metric(metric, UNITS.get(metric, MetricUnit.Count), value)

    def step(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        return self.tracing.step(name, **facts)

    def trace_header(self) -> str | None:
        return self.tracing.header()

    @contextmanager
    def invocation(self, came_with: Iterable[str] = ()) -> Iterator[None]:
        """One invocation of a function: traced as a whole, its metrics flushed at the end.

        `came_with` are the trace headers of its messages, in whose traces it goes on.
        """
        with self.tracing.invocation(came_with):
            try:
                yield
            finally:
                if self.metrics.metric_set:
                    self.metrics.flush_metrics()
