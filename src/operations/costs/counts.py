"""How much the system did in some time, from what both functions have counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from operations.costs.prices import PricesError
from operations.deployment.freshness import values
from operations.deployment.log_events import LogEvent
from receipt_sync.telemetry import Metric

MONTH_SECONDS = 30 * 86_400


@dataclass(frozen=True)
class Counts:
    """What was done in `seconds`. `changes` are relevant stream records that reached the queue.

    GB-seconds are those that Lambda bills: duration × memory.
    """

    seconds: float
    changes: float
    stream_invocations: float
    stream_gb_seconds: float
    compactor_invocations: float
    compactor_gb_seconds: float
    cycles: float
    messages: float
    items_read: float
    bytes_published: float
    log_bytes: float

    def of_a_month(self, changes: float) -> "Counts":
        """Scaled to so many changes in 30 days.

        In proportion. A faster rate fills larger batches, so counts of single changes say the most
        that a month can cost, and counts of a burst the least.
        """
        if self.changes <= 0:
            raise PricesError("the counts hold no change, so there is nothing to scale from")
        share = changes / self.changes
        scaled = {f.name: getattr(self, f.name) * share for f in fields(self)}
        return Counts(**{**scaled, "seconds": MONTH_SECONDS})

    @classmethod
    def read(cls, path: Path) -> "Counts":
        """From a JSON file, as `cost --save-counts` writes it. Raises PricesError."""
        try:
            return TypeAdapter(cls).validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise PricesError(
                f"{path} holds no counts: write one with `receipt-sync cost --save-counts`"
            ) from error


@dataclass(frozen=True)
class Memory:
    """MiB of each function."""

    stream_processor: int
    compactor: int


def counted(
    stream: Iterable[LogEvent], compactor: Iterable[LogEvent], memory: Memory, seconds: float
) -> Counts:
    """What the metric lines of both logs add up to."""
    stream_lines, compactor_lines = list(stream), list(compactor)
    stream_ms = values(stream_lines, Metric.STREAM_PROCESSING_LATENCY)
    compactor_ms = values(compactor_lines, Metric.COMPACTION_DURATION)
    return Counts(
        seconds=seconds,
        changes=sum(_number(e.content, "changes") for e in stream_lines),
        stream_invocations=len(stream_ms),
        stream_gb_seconds=sum(stream_ms) / 1000 * memory.stream_processor / 1024,
        compactor_invocations=len({e.request_id for e in compactor_lines if e.request_id}),
        compactor_gb_seconds=sum(compactor_ms) / 1000 * memory.compactor / 1024,
        cycles=len(compactor_ms),
        messages=sum(values(stream_lines, Metric.SQS_MESSAGES_QUEUED)),
        items_read=sum(values(compactor_lines, Metric.TABLE_ITEMS_READ)),
        bytes_published=sum(values(compactor_lines, Metric.BYTES_PUBLISHED)),
        log_bytes=sum(len(str(e.content)) for e in (*stream_lines, *compactor_lines)),
    )


def _number(content: Mapping[str, Any], name: str) -> float:
    value = content.get(name)
    counts = content.get("message") == "batch processed" and isinstance(value, int | float)
    return float(value) if counts and value is not None else 0.0
