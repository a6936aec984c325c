"""The figures that the project promises, and the check whether a run reached them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.names import Name
from benchmarks.reporting.report import Cell, Table
from benchmarks.reporting.screen import text_of
from receipt_sync.keys import Collection


@dataclass(frozen=True)
class Target:
    """A promised figure, by its key in the report of a benchmark.

    `wanted` is the least value that reaches the target, or the most if `at_most` is true.
    """

    text: str
    by: Name
    key: str
    wanted: float
    at_most: bool = False

    def reached(self, got: float) -> bool:
        return got <= self.wanted if self.at_most else got >= self.wanted


TARGETS: Final = (
    Target(
        "cycle at 50k × 1536, naive / ours, time", Name.CYCLE, "cycle 50000 time naive/ours", 20
    ),
    Target("the same cycle, bytes", Name.CYCLE, "cycle 50000 bytes naive/ours", 1_000),
    Target(
        "our warm cycle at 50k / at 1k records", Name.CYCLE, "cycle 50000 growth", 2, at_most=True
    ),
    Target("apply rate / raw Chroma update rate", Name.APPLY_RATE, "apply rate to the limit", 0.5),
    Target("apply rate, changes a second", Name.APPLY_RATE, "apply rate", 1_000),
    Target(
        "stream processor / per-record implementation", Name.STREAM, "stream 1000 ours/naive", 5
    ),
    Target("stream processor, records a second", Name.STREAM, "stream 1000 rate", 20_000),
    Target(
        "freshness p95 at 100 changes a second, s",
        Name.FRESHNESS,
        "freshness 100 p95",
        2,
        at_most=True,
    ),
    Target(
        "not visible 2 s after its last write",
        Name.FRESHNESS,
        "freshness 100 backlog",
        0,
        at_most=True,
    ),
    Target(
        "AWS calls per 1,000 scattered changes", Name.CALLS, "calls scattered", 60, at_most=True
    ),
    *(
        target
        for name in Collection
        for target in (
            Target(f"recall@10 of searches, {name}", Name.SEARCH, f"{name} least recall", 0.999),
            Target(f"vectors not found, {name}", Name.SEARCH, f"{name} missed", 0, at_most=True),
            Target(
                f"p50 of a search / Chroma's default, {name}",
                Name.SEARCH,
                f"{name} p50 to the default",
                1,
                at_most=True,
            ),
        )
    ),
    Target("compactor import, built package, s", Name.COLD, "import compactor", 1.2, at_most=True),
)


@dataclass(frozen=True)
class Verdict:
    """A target and the measured figure. None: the run did not measure it."""

    target: Target
    got: float | None

    @property
    def missed(self) -> bool:
        """Whether the figure was measured and misses the target."""
        return self.got is not None and not self.target.reached(self.got)


def verdicts(figures: Mapping[str, float]) -> list[Verdict]:
    """Return a verdict for every target, in order."""
    return [Verdict(target, figures.get(target.key)) for target in TARGETS]


def verdict_table(judged: list[Verdict]) -> Table:
    """Return the verdicts as a table."""
    rows: list[tuple[Cell, ...]] = [
        (one.target.text, _wanted(one.target), one.got, _word(one), one.target.by) for one in judged
    ]
    return Table("Targets", ("figure", "wanted", "measured", "", "benchmark"), rows)


def _wanted(target: Target) -> str:
    return f"{'≤' if target.at_most else '≥'} {text_of(target.wanted)}"


def _word(verdict: Verdict) -> str:
    if verdict.got is None:
        return "not measured"
    return "missed" if verdict.missed else "reached"
