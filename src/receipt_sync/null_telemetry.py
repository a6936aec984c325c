"""The empty telemetry of a command. The operator reads the command's output instead."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from receipt_sync.telemetry import Metric


class NullTelemetry:
    """Telemetry that discards everything."""

    def event(self, name: str, **fields: Any) -> None:
        pass

    def problem(self, name: str, **fields: Any) -> None:
        pass

    def measure(self, metric: Metric, value: float) -> None:
        pass

    def measure_all(self, metric: Metric, values: Sequence[float]) -> None:
        pass

    def step(self, name: str, **facts: Any) -> AbstractContextManager[None]:  # noqa: ARG002 the Protocol names it
        return nullcontext()

    def trace_header(self) -> None:
        return None
