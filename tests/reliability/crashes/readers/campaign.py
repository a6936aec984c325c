"""Runs parallel lanes. Each has its own store and seed."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, NamedTuple

from tests.reliability.crashes.readers.rounds import Counts, Lane


class Report(NamedTuple):
    """The figures of a campaign."""

    counts: Counts
    seconds: float

    @property
    def held(self) -> bool:
        counts = self.counts
        return not (counts.wrong or counts.unfound or counts.broken) and counts.compared > 0

    def to_json(self) -> dict[str, Any]:
        return {"held": self.held, "seconds": self.seconds, **asdict(self.counts)}


def run(kills: int, seed: int, lanes: int = 2, bug: str | None = None) -> Report:
    """Kill `kills` readers in `lanes` lanes."""
    begun, total = monotonic(), Counts()
    shares = [kills // lanes + (number < kills % lanes) for number in range(lanes)]
    with ProcessPoolExecutor(lanes, mp_context=get_context("spawn")) as pool:
        seeds = range(1_000 * seed, 1_000 * seed + lanes)
        for counts in pool.map(lane, shares, seeds, [bug] * lanes):
            total.add(counts)
    return Report(total, round(monotonic() - begun, 1))


def lane(
    kills: int, seed: int, bug: str | None, on_round: Callable[[], None] = lambda: None
) -> Counts:
    """Run one lane in its own folder."""
    with TemporaryDirectory(prefix="reader-kills-") as folder:
        return Lane(Path(folder), seed, bug).run(kills, on_round)
