"""Benchmark 1: one warm compaction cycle of 100 scattered changes.

Ours: the whole cycle, from messages to the published version. Naive: download and upload of the
whole snapshot. Limit: Chroma's own update of the same records on an open collection, and one upload
of as many bytes as ours published. Every solution that publishes through S3 needs at least this.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import boto3

from benchmarks.candidates.candidates import Ours, RawUpdate, Rounds
from benchmarks.candidates.environment import Environment, prepared
from benchmarks.candidates.naive import WholeSnapshot
from benchmarks.candidates.ours import Compaction
from benchmarks.meters.changes import Changer, Kind
from benchmarks.meters.measuring import Candidate, Measured, alternate
from benchmarks.meters.snapshots import restore
from benchmarks.reporting.report import Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale

CHANGES: Final = 100
_MB: Final = 1_000_000


class Limit:
    """Chroma's update alone, and one upload."""

    def __init__(self, rounds: Rounds, environment: Environment) -> None:
        self._update, self._rounds = RawUpdate(rounds, environment, "limit"), rounds
        self._s3, self._bucket = boto3.client("s3"), environment.aws.stack.names.bucket

    def prepare(self, number: int) -> None:
        self._update.prepare(number)

    def run(self) -> None:
        self._update.run()
        self._s3.put_object(Bucket=self._bucket, Key="limit", Body=bytes(self._rounds.published))

    def close(self) -> None:
        self._update.close()


class Naive:
    """Download and upload of the whole snapshot."""

    def __init__(self, rounds: Rounds, environment: Environment) -> None:
        self._rounds, self._folder = rounds, environment.folder / "naive"
        s3, bucket = boto3.client("s3"), "naive-whole-snapshots"
        s3.create_bucket(Bucket=bucket)
        self._snapshot = WholeSnapshot(s3, bucket)
        self._snapshot.upload(restore(environment.snapshot, environment.folder / "plain"))

    def prepare(self, number: int) -> None:
        self._rounds.begin(number)

    def run(self) -> None:
        self._snapshot.update(self._folder, self._rounds.present.values)


def run(scale: Scale, bars: Bars) -> Report:
    """Run every size of the scale with changes of one field, and the largest also with texts."""
    results: list[Result] = []
    for size in scale.sizes:
        kinds = tuple(Kind) if size == scale.sizes[-1] else (Kind.FIELD,)
        with prepared(size, scale.dimension, bars) as environment:
            results += _measure(environment, kinds, scale, bars)
    return _report(results, scale)


@dataclass(frozen=True)
class Result:
    """One row of the table: the measurements by candidate."""

    size: int
    kind: Kind
    by: Mapping[str, Measured]

    @property
    def time_ratio(self) -> float:
        return self.by["naive"].seconds / self.by["ours"].seconds

    @property
    def bytes_ratio(self) -> float:
        return self.by["naive"].moved / self.by["ours"].moved


def _measure(
    environment: Environment, kinds: Sequence[Kind], scale: Scale, bars: Bars
) -> Iterator[Result]:
    rounds = Rounds(Changer(environment.corpus, CHANGES, environment.writer))
    limit = Limit(rounds, environment)
    candidates: Mapping[str, Candidate] = {
        "ours": Ours(rounds, Compaction(environment.aws.stack, environment.folder / "ours")),
        "limit": limit,
        "naive": Naive(rounds, environment),
    }
    for rounds.kind in kinds:
        count = scale.rounds_at(environment.size)
        with bars.bar(f"{environment.size:,} records, {rounds.kind}", count + 1) as advance:
            by = alternate(candidates, count, environment.aws.traffic, lambda: advance(1))
        yield Result(environment.size, rounds.kind, by)
    limit.close()


def _report(results: Sequence[Result], scale: Scale) -> Report:
    figures: dict[str, float] = {}
    for result in results:
        if result.kind is Kind.FIELD:
            figures[f"cycle {result.size} time naive/ours"] = result.time_ratio
            figures[f"cycle {result.size} bytes naive/ours"] = result.bytes_ratio
            figures[f"cycle {result.size} seconds"] = result.by["ours"].seconds
            figures[f"cycle {result.size} growth"] = (
                result.by["ours"].seconds / results[0].by["ours"].seconds
            )
    return Report(
        tables=[_times(results, scale), _bytes(results)],
        figures=figures,
        notes=[
            "Limit is Chroma's update of the same records, and one upload of as many bytes as ours "
            "published. A changed text also changes its two neighbours: three records a change."
        ],
        details={"results": [_samples(result) for result in results]},
    )


def _times(results: Sequence[Result], scale: Scale) -> Table:
    return Table(
        f"Warm cycle of {CHANGES} scattered changes, {scale.dimension} dimensions: seconds",
        ("records", "changed field", "ours", "limit", "naive", "ours / limit", "naive / ours"),
        [
            (
                f"{one.size:,}",
                str(one.kind),
                *(one.by[name].seconds for name in ("ours", "limit", "naive")),
                one.by["ours"].seconds / one.by["limit"].seconds,
                one.time_ratio,
            )
            for one in results
        ],
    )


def _bytes(results: Sequence[Result]) -> Table:
    return Table(
        "The same cycles: megabytes over the wire, all services",
        ("records", "changed field", "ours", "limit", "naive", "naive / ours"),
        [
            (
                f"{one.size:,}",
                str(one.kind),
                *(one.by[name].moved / _MB for name in ("ours", "limit", "naive")),
                one.bytes_ratio,
            )
            for one in results
        ],
    )


def _samples(result: Result) -> dict[str, Any]:
    return {
        "records": result.size,
        "change": result.kind,
        "samples": {
            name: [asdict(sample) for sample in measured.samples]
            for name, measured in result.by.items()
        },
    }
