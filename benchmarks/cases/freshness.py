"""Benchmark 5: the time from a write to the table until a reader of the snapshot sees it.

Both functions are deployed on a local AWS. A separate process writes at a steady rate, and this one
reads. Each write is timed from before its request until after the read that found it.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.queues import Queue
from pathlib import Path
from queue import Empty
from random import Random
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.local_aws import local_aws
from benchmarks.meters.steady_writes import Load, Write, steady_writes
from benchmarks.meters.visibility import Watch
from benchmarks.reporting.report import Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale
from receipt_index.readers import Reader, Readers
from receipt_ops.connection import Connection, connect
from receipt_ops.deployment.freshness import percentile
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.load import load
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_ops.readers import snapshot_readers

_RECEIPTS: Final = 50
_SEED: Final = 1
_PATIENCE: Final = 120.0
"""The load, and each further write, must be visible after this many seconds."""
_POLL: Final = 0.02
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
        seen, end = 0, time.monotonic() + _PATIENCE
        while seen < len(entities):
            if time.monotonic() > end:
                raise BenchmarkError(
                    f"only {seen} of {len(entities)} records are visible after {_PATIENCE:g} s"
                )
            time.sleep(0.2)
            before, seen = seen, sum(_count(reader) for reader in readers.values())
            advance(seen - before)
    return entities


def _count(reader: Reader) -> int:
    reader.refresh()
    return reader.count() if reader.version else 0


def _measure(variables: Mapping[str, str], wanted: Load, readers: Readers, bars: Bars) -> Result:
    watch, total = Watch(readers), int(wanted.rate * wanted.seconds)
    with (
        bars.bar(f"{wanted.rate} changes a second", total) as advance,
        steady_writes(variables, wanted) as made,
    ):
        _follow(watch, made, total, advance)
    return _result(wanted.rate, watch.freshness)


def _follow(
    watch: Watch, made: "Queue[list[Write]]", total: int, advance: Callable[[float], None]
) -> None:
    """Watch until every write is visible.

    Raises:
        BenchmarkError: No further write became visible for a long time.
    """
    seen, moved = 0, time.monotonic()
    while seen < total:
        if time.monotonic() - moved > _PATIENCE:
            raise BenchmarkError(
                f"{total - seen} of {total} writes are not visible, {_PATIENCE:g} s after the last "
                "visible one"
            )
        for writes in _arrived(made):
            watch.expect(writes)
        watch.check()
        if len(watch.freshness) > seen:
            advance(len(watch.freshness) - seen)
            seen, moved = len(watch.freshness), time.monotonic()
        time.sleep(_POLL)


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
