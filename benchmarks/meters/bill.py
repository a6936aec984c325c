"""Counts the calls of a piece of work by kind, and the units that AWS bills for each."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Final

from benchmarks.meters.pricing import SQS_CHUNK, price_of
from benchmarks.meters.traffic import Call, Traffic
from operations.costs.prices import Prices

_READS: Final = Call("dynamodb", "BatchGetItem")
_READ_UNIT: Final = 4_096
_LAMBDA: Final = Call("lambda", "Invoke")


@dataclass
class Bill:
    """`calls` and billed `units` by kind, and GB-seconds of Lambda as this machine took them."""

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
        """What all of it costs."""
        requests = sum(units * price_of(call, prices) for call, units in self.units.items())
        return requests + self.gb_seconds * prices.lambda_gb_second


@contextmanager
def billed(traffic: Traffic) -> Iterator[Bill]:
    """The bill of the block, filled at its end with what `traffic` saw meanwhile."""
    bill, before = Bill(), traffic.copy()
    with traffic.noted(*_READS) as reads:
        yield bill
    after = traffic.copy()
    made = after.calls - before.calls
    bill.calls += made
    for call, count in made.items():
        bill.units[call] += _units(call, count, after, before)
    # An item of 4 KB at most, or one that is not there, costs a unit each.
    keys = [keys for read in reads for keys in read["RequestItems"].values()]
    bill.units[_READS] = sum(len(asked["Keys"]) for asked in keys)


def _units(call: Call, count: int, after: Traffic, before: Traffic) -> int:
    """Calls, or for SQS and Query what their bytes make of them."""
    moved = after.bytes_of(call) - before.bytes_of(call)
    if call.service == "sqs":
        return max(count, ceil(moved / SQS_CHUNK))
    if call.operation == "Query":
        return max(count, ceil(moved / _READ_UNIT))
    return count
