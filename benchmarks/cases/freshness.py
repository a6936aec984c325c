"""Benchmark 5: the time from a write to the table until a reader of the snapshot sees it.

Both functions are deployed on a local AWS. A separate process writes at a steady rate, and this one
reads. Each write is timed from before its request until the reader serves a version that holds it.
The watcher of the load test does the reading.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, count
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from random import Random
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.local_aws import local_aws
from benchmarks.meters.steady_writes import Load, Write, steady_writes
from benchmarks.reporting.report import Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale
from loadtest.kinds import Kind
from loadtest.watcher.expectations import Expectation, Sighting, Wanted
from loadtest.watcher.watcher import Watcher
from receipt_index.reader import Reader, Readers
from receipt_ops.connection import Connection, connect
from receipt_ops.deployment.freshness import percentile
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.load import load
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_ops.readers import snapshot_readers
from receipt_ops.visibility import wait_until
from receipt_sync.clock import SystemClock

_RECEIPTS: Final = 50
_SEED: Final = 1
_PATIENCE: Final = 120.0
"""The load must be visible after this many seconds, and each later write, too."""
_POLL: Final = 0.02
_LOAD_POLL: Final = 0.2
ALLOWED: Final = 2.0
"""All writes must be visible this many seconds after the last write."""


@dataclass(frozen=True)
class Result:
    """The result of one rate, in seconds.

    `drained` is the time from the last write until all writes were visible. `backlog` counts the
    writes that were not visible `ALLOWED` seconds after the last write.
    """

    rate: int
    achieved: float
    p50: float
    p95: float
    p99: float
    longest: float
    drained: float
    backlog: int


def run(scale: Scale, bars: Bars) -> Report:
    """Run every rate of the scale, one after another, on the same receipts."""
    with local_aws(deploy=True) as aws:
        connection = connect(aws.stack.variables, Path())
        with snapshot_readers(connection) as readers:
            entities = _load(connection, readers, bars)
            results, first = [], 1
            for rate in scale.rates:
                wanted = Load(entities, rate, scale.seconds, first)
                results.append(_measure(aws.stack.variables, wanted, readers, bars))
                first += int(rate * scale.seconds)
    return _report(results, scale, len(entities))


def _load(connection: Connection, readers: Readers, bars: Bars) -> list[Entity]:
    """Send receipts through the pipeline. Return their lines and words when all are visible."""
    receipts = list(synthetic_receipts(_RECEIPTS, Random(_SEED)))
    entities = [
        embedded(e) for r in receipts for e in entities_of(r) if e.key.collection is not None
    ]
    with bars.bar("receipts through the pipeline", len(entities)) as advance:
        writer, sender = writer_of(connection), sender_of(connection)
        load(receipts, writer, sender, embed, lambda _, __: None)
        seen = 0

        def are_visible() -> bool:
            nonlocal seen
            before, seen = seen, sum(_count(reader) for reader in readers.values())
            advance(seen - before)
            return seen >= len(entities)

        clock = SystemClock()
        if wait_until(are_visible, clock, _PATIENCE, lambda: clock.sleep(_LOAD_POLL)) is None:
            raise BenchmarkError(
                f"only {seen} of {len(entities)} records are visible after {_PATIENCE:g} s"
            )
    return entities


def _count(reader: Reader) -> int:
    reader.refresh()
    return reader.count() if reader.version else 0


def _measure(variables: Mapping[str, str], wanted: Load, readers: Readers, bars: Bars) -> Result:
    sightings: list[Sighting] = []
    watcher = Watcher(readers, SystemClock(), _PATIENCE, sightings.append)
    with (
        bars.bar(f"{wanted.rate} changes a second", int(wanted.rate * wanted.seconds)) as advance,
        steady_writes(variables, wanted) as made,
    ):
        _follow(watcher, sightings, made, int(wanted.rate * wanted.seconds), advance)
    return _result(wanted.rate, [(one.written_at, one.seconds or 0.0) for one in sightings])


def _follow(
    watcher: Watcher,
    sightings: list[Sighting],
    made: "Queue[list[Write]]",
    total: int,
    advance: Callable[[float], None],
) -> None:
    """Watch until every write is visible.

    Raises:
        BenchmarkError: A write was not visible after a long time.
    """
    numbers, clock, seen = count(1), SystemClock(), 0
    while seen < total:
        watcher.turn([_expectation(next(numbers), one) for one in chain(*_arrived(made))])
        late = sum(sighting.seen_at is None for sighting in sightings[seen:])
        if late:
            raise BenchmarkError(f"{late} of {total} writes are not visible after {_PATIENCE:g} s")
        advance(len(sightings) - seen)
        seen = len(sightings)
        clock.sleep(_POLL)


def _expectation(number: int, write: Write) -> Expectation:
    """Return what a reader must show after a write: its confidence, or that of a later write."""
    wanted = Wanted((write.key.chroma_id,), {"confidence": write.value})
    return Expectation(number, Kind.LINE, 1, write.begun, (wanted,))


def _arrived(made: "Queue[list[Write]]") -> Iterator[list[Write]]:
    """Yield everything that is in the queue now."""
    while True:
        try:
            yield made.get_nowait()
        except Empty:
            return


def _result(rate: int, seen: Sequence[tuple[float, float]]) -> Result:
    took = sorted(seconds for _, seconds in seen)
    first, last = min(begun for begun, _ in seen), max(begun for begun, _ in seen)
    late = [begun + seconds - last for begun, seconds in seen]
    return Result(
        rate=rate,
        achieved=len(seen) / (last - first),
        p50=percentile(took, 50),
        p95=percentile(took, 95),
        p99=percentile(took, 99),
        longest=took[-1],
        drained=max(late),
        backlog=sum(seconds > ALLOWED for seconds in late),
    )


def _report(results: Sequence[Result], scale: Scale, size: int) -> Report:
    table = Table(
        f"Freshness over {scale.seconds:g} s of writes, {size:,} records: seconds",
        (
            "changes a second",
            "written",
            "p50",
            "p95",
            "p99",
            "longest",
            "all visible after",
            "late",
        ),
        [tuple(asdict(result).values()) for result in results],
    )
    return Report(
        tables=[table],
        figures={
            **{f"freshness {one.rate} p95": one.p95 for one in results},
            **{f"freshness {one.rate} backlog": float(one.backlog) for one in results},
        },
        notes=[
            "All visible after: seconds from the last write. Late: writes that were not visible "
            f"{ALLOWED:g} s after it."
        ],
        details={"results": [asdict(result) for result in results]},
    )
