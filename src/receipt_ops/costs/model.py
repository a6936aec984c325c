"""The model of the monthly cost of the system, by component."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from receipt_ops.costs.counts import MONTH_SECONDS, Counts
from receipt_ops.costs.prices import Prices
from receipt_sync.telemetry import Metric

ALARMS: Final = 15
KEYS: Final = 6
DASHBOARDS: Final = 1
SNAPSHOT_GB: Final = 1.0
"""The size of both collections with their packs: some 100,000 records of 1,536 dimensions."""
_POLLS_A_MONTH: Final = 5 * MONTH_SECONDS / 20
"""Lambda runs five pollers for a queue. Each sends one long poll every twenty seconds.

https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""
_KEY_CALLS_A_MONTH: Final = 4 * MONTH_SECONDS / 300
"""SQS, S3 and DynamoDB each use a data key for five minutes. Four clients use these keys.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
"""
_TRACED_SHARE: Final = 0.05
"""The share of invocations that X-Ray traces, beyond the first invocation of each second.

https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""
_PACK_DAYS: Final = 2  # A pack lives until a new base retires it, and then for the retention time.
_WRITES_A_CYCLE: Final = 2  # A cycle takes and releases the lease.
_S3_PUTS_A_CYCLE: Final = 2  # A cycle writes a pack and a manifest.
_S3_GETS_A_CYCLE: Final = 1  # A cycle reads the manifest.
_CALLS_A_MESSAGE: Final = 3  # Send, receive, delete. Batches of ten need fewer calls.
SCALES: Final = (10_000, 100_000, 300_000, 1_000_000, 10_000_000)
"""Numbers of changes in a month. The middle one equals 10,000 changes a day."""
PLOTTED: Final = tuple(round(10 ** (4 + step / 20)) for step in range(61))
"""The numbers of changes that the plot shows: 61 values in even steps of their logarithm."""


@dataclass(frozen=True)
class Estimate:
    """Hold the cost of a month by component, in US dollars."""

    changes: float
    parts: Mapping[str, float]

    @property
    def total(self) -> float:
        return sum(self.parts.values())

    @property
    def per_change(self) -> float:
        return self.total / self.changes

    def to_json(self) -> dict[str, Any]:
        return {
            "changes": self.changes,
            "parts": {name: round(value, 4) for name, value in self.parts.items()},
            "total": round(self.total, 2),
            "per_change": self.per_change,
        }


def estimate(counts: Counts, changes: float, prices: Prices) -> Estimate:
    """Return the cost of a month with `changes` changes, in proportion to the counts.

    Raises PricesError if the counts hold no change.
    """
    month = counts.of_a_month(changes)
    parts = {
        "metrics, alarms, dashboard": len(Metric) * prices.metric_month
        + ALARMS * prices.alarm_month
        + DASHBOARDS * prices.dashboard_month,
        "keys": KEYS * prices.key_month + prices.key_request * _KEY_CALLS_A_MONTH,
        "DynamoDB stream": 0.0,
        "stream processor": _function(prices, month.stream_invocations, month.stream_gb_seconds),
        "SQS": prices.sqs_request * (_POLLS_A_MONTH + _CALLS_A_MESSAGE * month.messages),
        "compactor": _function(prices, month.compactor_invocations, month.compactor_gb_seconds),
        "table": prices.table_read * month.items_read
        + prices.table_write * _WRITES_A_CYCLE * month.cycles,
        "snapshots": _snapshots(prices, month),
        "logs": prices.log_gb * month.log_bytes / 1e9,
        "traces": prices.trace
        * (_traced(month.stream_invocations) + _traced(month.compactor_invocations)),
    }
    return Estimate(changes, parts)


def by_scale(counts: Counts, scales: Iterable[float], prices: Prices) -> list[Estimate]:
    """Return one estimate for each number of changes. Raises PricesError."""
    return [estimate(counts, changes, prices) for changes in scales]


def _function(prices: Prices, invocations: float, gb_seconds: float) -> float:
    return prices.lambda_request * invocations + prices.lambda_gb_second * gb_seconds


def _traced(invocations: float) -> float:
    beyond = max(0.0, invocations - MONTH_SECONDS)
    return invocations - beyond * (1 - _TRACED_SHARE)


def _snapshots(prices: Prices, month: Counts) -> float:
    requests = (prices.s3_put * _S3_PUTS_A_CYCLE + prices.s3_get * _S3_GETS_A_CYCLE) * month.cycles
    kept = month.bytes_published * _PACK_DAYS / 30
    return requests + prices.s3_gb_month * (SNAPSHOT_GB + kept / 1e9)
