"""Reads the latency of writes from Locust's statistics."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # at run time, the import of Locust replaces the standard library's sockets
    from locust.stats import RequestStats

WRITE: Final = "WRITE"
"""The type under which Locust counts writes."""


@dataclass(frozen=True)
class Latency:
    """The latency of one kind of write, in milliseconds. `writes` includes the failed ones."""

    name: str
    writes: int
    failures: int
    p50: float
    p95: float
    worst: float


def latencies(stats: "RequestStats") -> Iterator[Latency]:
    """Yield one row for each kind of write.

    Read the statistics after the users have stopped. Locust's CSV file is no substitute: a
    greenlet writes it once a second, so it may lack the last writes of a run.
    """
    for entry in stats.entries.values():
        if entry.method == WRITE:
            yield Latency(
                entry.name,
                entry.num_requests,
                entry.num_failures,
                entry.get_response_time_percentile(0.5),
                entry.get_response_time_percentile(0.95),
                entry.max_response_time,
            )
