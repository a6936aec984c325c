"""Runs one history from its script to its end."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from receipt_index.snapshot.reading.turns import DAMAGE_KEPT_FOR
from tests.reliability.simulation.actors.actions import Actions
from tests.reliability.simulation.actors.readers import FollowingReader
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.checks.verdict import (
    check_converged,
    check_drained,
    check_verified,
)
from tests.reliability.simulation.environment import patches
from tests.reliability.simulation.environment.functions import aws
from tests.reliability.simulation.environment.patches import CURRENT
from tests.reliability.simulation.environment.scheduler import Process, Task, Violation
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.faults.faults import Injected
from tests.reliability.simulation.workload.script import LENGTH, Script

_REFRESHES: Final = (0, 1, 2, 8)
_MEMORY: Final = Path("/dev/shm")


@dataclass
class Outcome:
    """The result of a history. `violation` describes the broken promise, if any."""

    seed: int
    violation: str | None = None
    check: Check | None = None
    """The failed check."""
    injected: list[Injected] = field(default_factory=list)
    steps: Counter[str] = field(default_factory=Counter)
    publishes: int = 0
    turns: int = 0
    orphans: int = 0
    seconds: float = 0.0


@contextmanager
def simulated_production() -> Iterator[Path]:
    """Run production in the simulated environment, and yield a folder for its files."""
    parent = _MEMORY if _MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=parent))
    try:
        with patches.installed(), patches.sizes_kept():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(script: Script, parent: Path) -> Outcome:
    """Run the history and return its outcome. The same script gives the same outcome."""
    folder = parent / "history"
    folder.mkdir()
    given = script.conditions
    patches.set_sizes(
        keys_a_read=given.keys_a_read,
        records_a_slice=given.records_a_slice,
        max_packs=given.max_packs,
        rebase_floor=given.rebase_floor,
        block_size=given.block_size,
    )
    system = CURRENT.system = SimulatedSystem(script, folder)
    outcome = Outcome(script.seed)
    try:
        _play(system)
    except Violation as violation:
        outcome.violation, outcome.check = str(violation), violation.check
    finally:
        system.scheduler.abandon()
        CURRENT.system = None
        shutil.rmtree(folder)
    outcome.injected, outcome.steps = system.faults.injected, system.faults.steps
    outcome.publishes = sum(p.version for p in system.observer.publishes.last.values())
    outcome.turns, outcome.seconds = system.scheduler.turns, system.scheduler.now
    outcome.orphans = system.observer.retention.orphans()
    return outcome


def _play(system: SimulatedSystem) -> None:
    script, scheduler = system.script, system.scheduler
    actions = Actions(system)
    tasks = [
        scheduler.spawn(aws(event.name), partial(actions.perform, event), event.at)
        for event in script.events
    ]
    readers = [FollowingReader(system, number) for number in range(2)]
    tasks += [
        scheduler.spawn(
            aws("reader"),
            reader.restart if system.random.happens(0.4, "restart", n, at) else reader.refresh,
            LENGTH * system.random.fraction("refresh", n, at),
        )
        for n, reader in enumerate(readers)
        for at in range(_REFRESHES[script.seed % 4])
    ]
    scheduler.spawn(aws("end of faults"), lambda: _end_faults(system), LENGTH)
    scheduler.run()
    _raise_errors([*tasks, *system.pollers])
    _settle(system, actions)
    tasks = [
        scheduler.spawn(
            aws("reader"),
            reader.restart if script.seed % 2 else reader.refresh,
            # A reader does not retry a damaged manifest before this time has passed.
            DAMAGE_KEPT_FOR + 1.0,
        )
        for reader in readers
    ]
    scheduler.run()
    tasks.append(scheduler.spawn(Process("verdict"), lambda: _judge(system, readers)))
    scheduler.run()
    _raise_errors([*tasks, *system.pollers])


def _end_faults(system: SimulatedSystem) -> None:
    """End all faults, and accept the refused records again."""
    system.faults.active = False
    system.faults.step_faults.clear()
    system.compaction_queue.faulty = False
    system.refused_ids.clear()


def _settle(system: SimulatedSystem, actions: Actions) -> None:
    """Repair the effects of the feature flags, and redrive refused and deadly messages.

    From here on the index accepts every record, so only poison may be set aside.
    """
    restored = system.observer.publishes.was_restored
    if restored or system.observer.acknowledgements.flags_ever_off:
        actions.operators.repair()
        if restored:
            actions.operators.send_deltas_again()
        system.scheduler.run()
    system.observer.acknowledgements.refused_ids.clear()
    system.gate.deadly.clear()
    actions.operators.redrive()
    system.scheduler.run()


def _judge(system: SimulatedSystem, readers: list[FollowingReader]) -> None:
    check_drained(system)
    check_converged(system)
    check_verified(system, readers)


def _raise_errors(tasks: list[Task]) -> None:
    """Raise the first error of the simulation itself, so that the history does not seem to pass."""
    for task in tasks:
        if isinstance(task.error, Exception):
            raise task.error
