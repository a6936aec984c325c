"""Logs, metrics and traces behind one Protocol.

Powertools writes JSON logs, EMF metrics and X-Ray subsegments. Only this file and `tracing` import
it. Receipt text never enters any of the three (I8). Callers pass keys, counts, field names and
durations only.
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
    MASS_DELETES_REFUSED = "MassDeletesRefused"
    SNAPSHOTS_DAMAGED = "SnapshotsDamaged"


UNITS = {
    Metric.STREAM_PROCESSING_LATENCY: MetricUnit.Milliseconds,
    Metric.COMPACTION_DURATION: MetricUnit.Milliseconds,
    Metric.FRESHNESS: MetricUnit.Milliseconds,
    Metric.BYTES_PUBLISHED: MetricUnit.Bytes,
}
"""The unit of each metric that is not a count."""


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

    def step(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """Trace the block as a part of the invocation, with `facts` as annotations."""
        ...

    def trace_header(self) -> str | None:
        """Return the trace header for messages that this step sends, or None without a trace."""
        ...


class PowertoolsTelemetry:
    """Implements Telemetry with Powertools. `invocation` flushes `metrics` at its end."""

    def __init__(self, logger: Logger, metrics: Metrics, tracing: Tracing) -> None:
        self.logger, self.metrics, self.tracing = logger, metrics, tracing
        self._lock = threading.Lock()  # Metrics flushes itself at 100 values.

    @classmethod
    def of(
        cls, service: str, namespace: str, environment: str, log_level: str
    ) -> "PowertoolsTelemetry":
        """Return the telemetry of a service.

        Each metric has the dimensions `environment` and `service`. An alarm therefore sees the
        metrics of its own deployment only.
        """
        metrics = Metrics(namespace=namespace, service=service)
        metrics.set_default_dimensions(environment=environment)
        return cls(Logger(service=service, level=log_level), metrics, Tracing(service))

    def event(self, name: str, **fields: Any) -> None:
        """See Telemetry.event."""
        self.logger.info(name, **fields)

    def problem(self, name: str, **fields: Any) -> None:
        """See Telemetry.problem."""
        self.logger.error(name, **fields)

    def measure(self, metric: Metric, value: float) -> None:
        """See Telemetry.measure."""
        with self._lock:
            self.metrics.add_metric(metric, UNITS.get(metric, MetricUnit.Count), value)

    def step(self, name: str, **facts: Fact) -> AbstractContextManager[None]:
        """See Telemetry.step."""
        return self.tracing.step(name, **facts)

    def trace_header(self) -> str | None:
        """See Telemetry.trace_header."""
        return self.tracing.header()

    @contextmanager
    def invocation(self, came_with: Iterable[str] = ()) -> Iterator[None]:
        """Trace the block as one invocation of a function, and flush its metrics at the end.

        `came_with` holds the trace headers of the invocation's messages. The trace continues in the
        traces that they name.
        """
        with self.tracing.invocation(came_with):
            try:
                yield
            finally:
                if self.metrics.metric_set:
                    self.metrics.flush_metrics()
