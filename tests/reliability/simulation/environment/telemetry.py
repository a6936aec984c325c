"""Telemetry that searches its arguments for receipt text (I8)."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from receipt_sync.telemetry import Metric
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.environment.scheduler import Scheduler
from tests.reliability.simulation.faults.error_types import EXPECTED
from tests.reliability.simulation.workload.script import SECRET


class _Logger:
    def append_keys(self, **_: Any) -> None:
        pass


class WatchfulTelemetry:
    """The telemetry of one process.

    It calls `damaged` if a snapshot could not be read, and `waited` if a lease was held by another
    worker.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        damaged: Callable[[], None] = lambda: None,
        waited: Callable[[], None] = lambda: None,
    ) -> None:
        self.logger = _Logger()
        self._scheduler, self._damaged, self._waited = scheduler, damaged, waited

    def event(self, name: str, **fields: Any) -> None:
        """Check a report: it holds no receipt text, and its error has an expected type."""
        error = fields.get("error")
        if error is not None and error not in EXPECTED:
            self._scheduler.fail(Check.ERROR_TYPES, f"{name!r} reports a {error}")
        if SECRET in repr(fields):
            self._scheduler.fail(
                Check.RECEIPT_TEXT, f"receipt text in the log line {name!r}: {sorted(fields)}"
            )

    problem = event

    def measure(self, metric: Metric, value: float) -> None:
        if metric is Metric.SNAPSHOTS_DAMAGED:
            self._damaged()
        elif metric is Metric.COMPACTION_LOCK_CONTENTIONS:
            self._waited()

    def measure_all(self, metric: Metric, values: Sequence[float]) -> None:
        for value in values:
            self.measure(metric, value)

    @contextmanager
    def step(self, name: str, **facts: Any) -> Iterator[None]:
        self.event(name, **facts)
        yield

    def trace_header(self) -> None:
        return None

    @contextmanager
    def invocation(self, came_with: Iterable[str] = ()) -> Iterator[None]:
        yield
