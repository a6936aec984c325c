"""Freshness: the time from a change until its publish, from the metrics of the compactor.

The log holds the values in the embedded metric format of CloudWatch:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from receipt_ops.logs.log_events import LogEvent
from receipt_sync.telemetry import Metric


@dataclass(frozen=True)
class Percentiles:
    """Holds percentiles of durations, in seconds."""

    count: int
    p50: float
    p95: float
    p99: float
    longest: float


def values(events: Iterable[LogEvent], metric: Metric) -> list[float]:
    """Return every value of a metric, in its unit."""
    found: list[float] = []
    for event in events:
        found += _of_line(event.content, metric)
    return found


def percentiles(seconds: Sequence[float]) -> Percentiles | None:
    """Return nearest-rank percentiles; None if there are no values."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p50, p95, p99 = (percentile(ordered, percent) for percent in (50, 95, 99))
    return Percentiles(len(ordered), p50, p95, p99, ordered[-1])


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the nearest-rank percentile: the least value that `percent` % do not exceed.

    `ordered` is sorted and not empty.
    """
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


def _of_line(content: Mapping[str, Any], metric: Metric) -> list[float]:
    if "_aws" not in content or metric.value not in content:
        return []
    value = content[metric.value]
    members = value if isinstance(value, list) else [value]
    return [float(member) for member in members if isinstance(member, int | float)]
