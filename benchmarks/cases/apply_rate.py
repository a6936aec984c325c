"""Benchmark 2: changes a second through one large cycle, and through Chroma's update alone.

Ours: a whole cycle, from messages to the published version. Limit: Chroma's own update of the same
records on an open collection, without publishing. Naive: the same update with one call for each
change. Naive gets fewer changes, because it is slow.
"""

from collections.abc import Mapping
from dataclasses import asdict
from itertools import islice
from typing import Final

from benchmarks.candidates.candidates import Ours, RawUpdate, Rounds
from benchmarks.candidates.environment import Environment, prepared
from benchmarks.candidates.ours import Compaction
from benchmarks.meters.changes import Changer
from benchmarks.meters.measuring import Candidate, Measured, alternate
from benchmarks.reporting.report import Report, Table
from benchmarks.reporting.screen import Bars
from benchmarks.scale import Scale

_ROUNDS: Final = 5
_NAIVE_CHANGES: Final = 100


class OneByOne(RawUpdate):
    """Updates with one call for each change."""

    def run(self) -> None:
        for chroma_id, values in islice(self.values.items(), _NAIVE_CHANGES):
            self.index.update({chroma_id: values})


def run(scale: Scale, bars: Bars) -> Report:
    """Run one large batch of changes of one field each, at one size."""
    with prepared(scale.apply_size, scale.dimension, bars) as environment:
        measured = _measure(environment, scale, bars)
    return _report(measured, scale)


def _measure(environment: Environment, scale: Scale, bars: Bars) -> Mapping[str, Measured]:
    rounds = Rounds(Changer(environment.corpus, scale.apply_changes, environment.writer))
    raw = RawUpdate(rounds, environment, "raw")
    one_by_one = OneByOne(rounds, environment, "one-by-one")
    candidates: Mapping[str, Candidate] = {
        "ours": Ours(rounds, Compaction(environment.aws.stack, environment.folder / "ours")),
        "limit": raw,
        "naive": one_by_one,
    }
    with bars.bar(f"cycles of {scale.apply_changes:,} changes", _ROUNDS + 1) as advance:
        measured = alternate(candidates, _ROUNDS, environment.aws.traffic, lambda: advance(1))
    raw.close()
    one_by_one.close()
    return measured


def _report(measured: Mapping[str, Measured], scale: Scale) -> Report:
    counts = {"ours": scale.apply_changes, "limit": scale.apply_changes, "naive": _NAIVE_CHANGES}
    rates = {name: counts[name] / one.seconds for name, one in measured.items()}
    table = Table(
        f"Changes a second, {scale.apply_changes:,} changes of one field at once, "
        f"{scale.apply_size:,} records of {scale.dimension} dimensions",
        ("", "changes", "seconds", "changes a second", "to the limit"),
        [
            (name, counts[name], measured[name].seconds, rate, rate / rates["limit"])
            for name, rate in rates.items()
        ],
    )
    return Report(
        tables=[table],
        figures={
            "apply rate": rates["ours"],
            "apply rate to the limit": rates["ours"] / rates["limit"],
        },
        notes=[
            "Ours is a whole cycle. Limit is Chroma's update alone. Naive makes one call for each "
            "change."
        ],
        details={
            name: [asdict(sample) for sample in one.samples] for name, one in measured.items()
        },
    )
