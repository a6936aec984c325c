"""Runs many histories, counts the injected faults, and keeps the seeds that failed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Self

from local.state import PROJECT
from tests.reliability.simulation import history
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.faults.faults import Kind, Side
from tests.reliability.simulation.history import Outcome
from tests.reliability.simulation.workload.generation import generate
from tests.reliability.simulation.workload.script import STEPS

CHUNK: Final = 100
_ENOUGH: Final = 5
"""Number of failing seeds after which the run ends, because more of them would show nothing new."""


@dataclass
class Summary:
    """The counts of some histories. `faults` counts by kind, and `crashes` by "side step"."""

    histories: int = 0
    next_seed: int = 0
    publishes: int = 0
    calls: int = 0
    orphans: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    failed: dict[int, str] = field(default_factory=dict)
    """The broken promise of each failed seed."""

    def add(self, outcome: Outcome) -> None:
        self.histories += 1
        self.publishes += outcome.publishes
        self.calls += sum(outcome.steps.values())
        self.orphans += outcome.orphans
        for one in outcome.injected:
            self.faults[one.fault.kind.value] += 1
            if one.fault.kind is Kind.CRASH:
                self.crashes[f"{one.fault.side} {one.step}"] += 1
        if outcome.violation is not None:
            self.failed[outcome.seed] = outcome.violation

    def merge(self, other: "Summary") -> None:
        for name in ("histories", "publishes", "calls", "orphans"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.faults += other.faults
        self.crashes += other.crashes
        self.failed |= other.failed

    @property
    def never_crashed(self) -> list[str]:
        """Return the sides of steps at which no process has crashed."""
        places = (f"{side} {step}" for step in STEPS for side in Side)
        return [place for place in places if not self.crashes[place]]

    def to_json(self) -> dict[str, Any]:
        return {
            **{n: getattr(self, n) for n in ("histories", "next_seed", "publishes", "calls")},
            "orphans": self.orphans,
            "faults": dict(sorted(self.faults.items())),
            "crashes": dict(sorted(self.crashes.items())),
            "failed": {str(seed): what for seed, what in self.failed.items()},
        }

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        numbers = {
            n: content[n] for n in ("histories", "next_seed", "publishes", "calls", "orphans")
        }
        return cls(
            **numbers,
            faults=Counter(content["faults"]),
            crashes=Counter(content["crashes"]),
            failed={int(seed): what for seed, what in content["failed"].items()},
        )


def run_seeds(seeds: Iterable[int]) -> Summary:
    """Run the histories of the seeds one after another in this process."""
    summary = Summary()
    with history.simulated_production() as folder:
        for seed in seeds:
            summary.add(history.run(generate(seed), folder))
    return summary


def first_failure(seeds: Iterable[int], check: Check | None = None) -> Outcome | None:
    """Return the first history that fails `check`, or any check if `check` is None."""
    with history.simulated_production() as folder:
        outcomes = (history.run(generate(seed), folder) for seed in seeds)
        failed = (outcome for outcome in outcomes if outcome.check is not None)
        return next((one for one in failed if check in {None, one.check}), None)


def run_all(summary: Summary, histories: int, processes: int) -> Iterator[Summary]:
    """Run histories up to the given number.

    Yield the summary after each chunk, in the order of seeds.
    """
    starts = range(summary.next_seed, histories, CHUNK)
    chunks = (range(start, min(start + CHUNK, histories)) for start in starts)
    if processes == 1:
        for chunk in chunks:
            yield _added(summary, chunk, run_seeds(chunk))
            if len(summary.failed) >= _ENOUGH:
                return
    # The processes are spawned, not forked, so that each one starts without imports and patches.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        waiting: list[tuple[range, Future[Summary]]] = []
        while True:
            for chunk in islice(chunks, 2 * processes - len(waiting)):
                waiting.append((chunk, pool.submit(run_seeds, chunk)))
            if not waiting:
                return
            wait([waiting[0][1]], return_when=FIRST_COMPLETED)
            chunk, future = waiting.pop(0)
            yield _added(summary, chunk, future.result())
            if len(summary.failed) >= _ENOUGH:
                pool.shutdown(cancel_futures=True)
                return


def _added(summary: Summary, chunk: range, part: Summary) -> Summary:
    summary.merge(part)
    summary.next_seed = chunk.stop
    return summary


def load(path: Path) -> Summary:
    """Return the stored summary, or an empty one if it does not exist or belongs to other code."""
    content = json.loads(path.read_text()) if path.exists() else {}
    return Summary.from_json(content["summary"]) if content.get("code") == _code() else Summary()


def save(summary: Summary, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pending = path.with_suffix(".new")
    pending.write_text(json.dumps({"code": _code(), "summary": summary.to_json()}, indent=1))
    pending.replace(path)


@lru_cache(maxsize=1)
def _code() -> str:
    """Return a digest of the production code and of the simulation."""
    folders = (PROJECT / "src", Path(__file__).parent)
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
