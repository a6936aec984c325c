"""Counts AWS calls by kind, and the units that AWS bills for each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from benchmarks.meters.pricing import SQS_CHUNK, price_of
from benchmarks.meters.traffic import Call, Traffic
from receipt_ops.costs.prices import Prices

_READS: Final = Call("dynamodb", "BatchGetItem")
_READ_UNIT: Final = 4_096
_LAMBDA: Final = Call("lambda", "Invoke")


@dataclass
class Bill:
    """The calls and billed units by kind, and Lambda's GB-seconds as measured on this machine."""

    calls: Counter[Call] = field(default_factory=Counter)
    units: Counter[Call] = field(default_factory=Counter)
    gb_seconds: float = 0.0

    def invoked(self, seconds: float, gigabytes: float) -> None:
        """Add an invocation."""
        self.calls[_LAMBDA] += 1
        self.units[_LAMBDA] += 1
        self.gb_seconds += seconds * gigabytes

    def add(self, other: "Bill") -> None:
        """Add another bill."""
        self.calls += other.calls
        self.units += other.units
        self.gb_seconds += other.gb_seconds

    def usd(self, prices: Prices) -> float:
        """Return the cost of everything in US dollars.

        Raises:
            BenchmarkError: A call has no price.
        """
        requests = sum(units * price_of(call, prices) for call, units in self.units.items())
        return requests + self.gb_seconds * prices.lambda_gb_second


@contextmanager
def billed(traffic: Traffic) -> Iterator[Bill]:
    """Yield a bill. At the end of the block, the calls that `traffic` counted are added to it."""
    bill, before = Bill(), traffic.copy()
    with traffic.noted(*_READS) as reads:
        yield bill
    after = traffic.copy()
    made = after.calls - before.calls
    bill.calls += made
    for call, count in made.items():
        bill.units[call] += _units(call, count, after, before)
    # A read of an item costs one unit if the item has at most 4 KB or does not exist.
    keys = [keys for read in reads for keys in read["RequestItems"].values()]
    bill.units[_READS] = sum(len(asked["Keys"]) for asked in keys)


def _units(call: Call, count: int, after: Traffic, before: Traffic) -> int:
    """Return the billed units: the calls, or for SQS and Query a number that depends on bytes."""
    moved = after.bytes_of(call) - before.bytes_of(call)
    if call.service == "sqs":
        return max(count, ceil(moved / SQS_CHUNK))
    if call.operation == "Query":
        return max(count, ceil(moved / _READ_UNIT))
    return count
