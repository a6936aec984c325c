"""Counts of what the system did in a period, added up from the logs of both functions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from receipt_ops.costs.prices import PricesError
from receipt_ops.deployment.freshness import values
from receipt_ops.logs.invocation_reports import billed_ms
from receipt_ops.logs.log_events import LogEvent, LogLine
from receipt_sync.telemetry import Metric

MONTH_SECONDS = 30 * 86_400

Count = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class Counts:
    """Hold what the system did in `seconds` seconds.

    `changes` counts the relevant stream records that reached the queue. GB-seconds are the unit
    that Lambda bills: duration × memory.
    """

    seconds: Count
    changes: Count
    stream_invocations: Count
    stream_gb_seconds: Count
    compactor_invocations: Count
    compactor_gb_seconds: Count
    cycles: Count
    messages: Count
    items_read: Count
    bytes_published: Count
    log_bytes: Count

    def of_a_month(self, changes: float) -> "Counts":
        """Return these counts, scaled in proportion to `changes` changes in 30 days.

        A higher rate fills larger batches. So counts of single changes give the highest cost of a
        month, and counts of a burst give the lowest. Raises PricesError if no change was counted.
        """
        if self.changes < 1:
            raise PricesError(
                "the counts hold no change, and a cost is scaled from at least one: choose a "
                "longer time with --hours, or give --counts a file that holds changes"
            )
        share = changes / self.changes
        scaled = {f.name: getattr(self, f.name) * share for f in fields(self)}
        return Counts(**{**scaled, "seconds": MONTH_SECONDS})

    @classmethod
    def read(cls, path: Path) -> "Counts":
        """Read a JSON file that `cost --save-counts` has written. Raises PricesError."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise PricesError(
                f"{path} is not a readable file of counts: "
                "write one with `receipt-sync cost --save-counts`"
            ) from error


@dataclass(frozen=True)
class Memory:
    """Hold the memory size of each function, in MiB."""

    stream_processor: int
    compactor: int


def counted(
    stream: Iterable[LogLine], compactor: Iterable[LogLine], memory: Memory, seconds: float
) -> Counts:
    """Return the sums of the reports and metric lines of both logs.

    The function reads each log once and does not keep its lines. Raises PricesError if a log has
    metrics, but no report of Lambda.
    """
    of_stream = _Sums("stream processor", Metric.SQS_MESSAGES_QUEUED)
    of_compactor = _Sums(
        "compactor", Metric.COMPACTION_DURATION, Metric.TABLE_ITEMS_READ, Metric.BYTES_PUBLISHED
    )
    of_stream.add(stream)
    of_compactor.add(compactor)
    return Counts(
        seconds=seconds,
        changes=of_stream.changes,
        stream_invocations=of_stream.invocations,
        stream_gb_seconds=of_stream.billed_ms / 1000 * memory.stream_processor / 1024,
        compactor_invocations=of_compactor.invocations,
        compactor_gb_seconds=of_compactor.billed_ms / 1000 * memory.compactor / 1024,
        cycles=of_compactor.values[Metric.COMPACTION_DURATION],
        messages=of_stream.totals[Metric.SQS_MESSAGES_QUEUED],
        items_read=of_compactor.totals[Metric.TABLE_ITEMS_READ],
        bytes_published=of_compactor.totals[Metric.BYTES_PUBLISHED],
        log_bytes=of_stream.log_bytes + of_compactor.log_bytes,
    )


class _Sums:
    """The sums of one function's log. It keeps no line."""

    def __init__(self, function: str, *metrics: Metric) -> None:
        self._function = function
        self.totals = dict.fromkeys(metrics, 0.0)
        self.values = dict.fromkeys(metrics, 0)
        self.invocations, self.billed_ms = 0, 0.0
        self.changes, self.log_bytes = 0.0, 0

    def add(self, lines: Iterable[LogLine]) -> None:
        for line in lines:
            self.log_bytes += len(line.text.encode())
            billed = billed_ms(line)
            if billed is not None:
                self.invocations += 1
                self.billed_ms += billed
            elif line.content is not None:
                self._add(LogEvent(line.at, line.function, line.content))
        if any(self.values.values()) and not self.invocations:
            raise PricesError(
                f"the log of the {self._function} holds metrics, but no report of Lambda, so its "
                "cost is unknown: set the system log level of the function to INFO, and repeat "
                "this after the next changes"
            )

    def _add(self, event: LogEvent) -> None:
        for metric in self.totals:
            found = values([event], metric)
            self.totals[metric] += sum(found)
            self.values[metric] += len(found)
        self.changes += _number(event.content, "changes")


def _number(content: Mapping[str, Any], name: str) -> float:
    value = content.get(name)
    counts = content.get("message") == "batch processed" and isinstance(value, int | float)
    return float(value) if counts and value is not None else 0.0
