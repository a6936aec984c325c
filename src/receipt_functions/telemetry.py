"""Telemetry with Powertools: JSON logs, EMF metrics and X-Ray subsegments."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.constants import MAX_METRICS

from receipt_functions.tracing import Tracing
from receipt_sync.telemetry import Fact, Metric

UNITS = {
    Metric.STREAM_PROCESSING_LATENCY: MetricUnit.Milliseconds,
    Metric.COMPACTION_DURATION: MetricUnit.Milliseconds,
    Metric.FRESHNESS: MetricUnit.Milliseconds,
    Metric.BYTES_PUBLISHED: MetricUnit.Bytes,
}
"""The unit of each metric that is not a count."""


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

    def measure_all(self, metric: Metric, values: Sequence[float]) -> None:
        """See Telemetry.measure_all.

        Powertools formats all held values with each one that is added. So it adds the first value
        of each hundred, and the last one, with which it writes them out.
        """
        unit, place = UNITS.get(metric, MetricUnit.Count), 0
        with self._lock:
            while place < len(values):
                self.metrics.add_metric(metric, unit, values[place])
                place += 1
                held = self.metrics.metric_set.get(metric)
                if held is not None:  # None: they were just written out
                    some = values[place : place + MAX_METRICS - 1 - len(held["Value"])]
                    held["Value"] += map(float, some)
                    place += len(some)

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
