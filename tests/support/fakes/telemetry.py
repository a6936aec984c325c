"""Telemetry that records its calls."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from receipt_sync.telemetry import Metric


class RecordingTelemetry:
    """Implements Telemetry, and keeps all events, problems, values and steps."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.problems: list[tuple[str, dict[str, Any]]] = []
        self.values: list[tuple[Metric, float]] = []
        self.steps: list[str] = []
        self.header: str | None = None

    def event(self, name: str, **fields: Any) -> None:
        self.events.append((name, fields))

    def problem(self, name: str, **fields: Any) -> None:
        self.problems.append((name, fields))

    def measure(self, metric: Metric, value: float) -> None:
        self.values.append((metric, value))

    def measure_all(self, metric: Metric, values: Sequence[float]) -> None:
        self.values += [(metric, value) for value in values]

    def total(self, metric: Metric) -> float:
        return sum(value for name, value in self.values if name is metric)

    @contextmanager
    def step(self, name: str, **facts: Any) -> Iterator[None]:
        self.steps.append(name)
        yield

    def trace_header(self) -> str | None:
        return self.header
