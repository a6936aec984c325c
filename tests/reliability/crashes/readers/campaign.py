"""Runs parallel lanes. Each has its own store and seed."""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, NamedTuple

from tests.reliability.crashes.readers.rounds import Lane, Tally


class Report(NamedTuple):
    """The figures of a campaign."""

    tally: Tally
    seconds: float

    @property
    def held(self) -> bool:
        tally = self.tally
        return not (tally.wrong or tally.unfound or tally.broken) and tally.compared > 0

    def to_json(self) -> dict[str, Any]:
        return {"held": self.held, "seconds": self.seconds, **asdict(self.tally)}


def run(kills: int, seed: int, lanes: int = 2, bug: str | None = None) -> Report:
    """Kill `kills` readers in `lanes` lanes."""
    begun, total = monotonic(), Tally()
    shares = [kills // lanes + (number < kills % lanes) for number in range(lanes)]
    with ProcessPoolExecutor(lanes, mp_context=get_context("spawn")) as pool:
        seeds = range(1_000 * seed, 1_000 * seed + lanes)
        for tally in pool.map(lane, shares, seeds, [bug] * lanes):
            total.add(tally)
    return Report(total, round(monotonic() - begun, 1))


def lane(kills: int, seed: int, bug: str | None, tell: Callable[[], None] = lambda: None) -> Tally:
    """Run one lane in its own folder."""
    with TemporaryDirectory(prefix="reader-kills-") as folder:
        return Lane(Path(folder), seed, bug).run(kills, tell)
