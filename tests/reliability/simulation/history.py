"""Runs one history from its script to its end."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
from tests.reliability.simulation.environment.patches import STAGE
from tests.reliability.simulation.environment.scheduler import Process, Task, Violation
from tests.reliability.simulation.environment.simulated_system import World
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
def workshop() -> Iterator[Path]:
    """Run production in the simulated environment, and yield a folder for its files."""
    parent = _MEMORY if _MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=parent))
    try:
        with patches.installed(), patches.sizes_kept():
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(script: Script, workshop: Path) -> Outcome:
    """Run the history and return its outcome. The same script gives the same outcome."""
    folder = workshop / "history"
    folder.mkdir()
    given = script.surroundings
    patches.set_sizes(
        keys_a_read=given.keys_a_read,
        records_a_slice=given.records_a_slice,
        max_packs=given.max_packs,
        rebase_floor=given.rebase_floor,
        block_size=given.block_size,
    )
    world = STAGE.world = World(script, folder)
    outcome = Outcome(script.seed)
    try:
        _play(world)
    except Violation as violation:
        outcome.violation, outcome.check = str(violation), violation.check
    finally:
        world.scheduler.abandon()
        STAGE.world = None
        shutil.rmtree(folder)
    outcome.injected, outcome.steps = world.faults.injected, world.faults.steps
    outcome.publishes = sum(p.version for p in world.observer.publishes.last.values())
    outcome.turns, outcome.seconds = world.scheduler.turns, world.scheduler.now
    outcome.orphans = world.observer.retention.orphans()
    return outcome


def _play(world: World) -> None:
    script, scheduler = world.script, world.scheduler
    actions = Actions(world)
    tasks = [
        scheduler.spawn(aws(event.name), lambda event=event: actions.perform(event), event.at)
        for event in script.events
    ]
    readers = [FollowingReader(world, number) for number in range(2)]
    tasks += [
        scheduler.spawn(
            aws("reader"),
            reader.restart if world.dice.happens(0.4, "restart", n, at) else reader.refresh,
            LENGTH * world.dice.roll("refresh", n, at),
        )
        for n, reader in enumerate(readers)
        for at in range(_REFRESHES[script.seed % 4])
    ]
    scheduler.spawn(aws("peace"), lambda: _make_peace(world), LENGTH)
    scheduler.run()
    _raise_errors([*tasks, *world.pollers])
    _settle(world, actions)
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
    tasks.append(scheduler.spawn(Process("verdict"), lambda: _judge(world, readers)))
    scheduler.run()
    _raise_errors([*tasks, *world.pollers])


def _make_peace(world: World) -> None:
    """End all faults, and accept the refused records again."""
    world.faults.active = False
    world.faults.ambushes.clear()
    world.compaction_queue.faulty = False
    world.refused_ids.clear()


def _settle(world: World, actions: Actions) -> None:
    """Repair the effects of the feature flags, and redrive the messages that the index refused.

    From here on the index accepts every record, so only poison may be set aside.
    """
    restored = world.observer.publishes.was_restored
    if restored or world.observer.acknowledgements.flags_ever_off:
        actions.operators.repair()
        if restored:
            actions.operators.send_deltas_again()
        world.scheduler.run()
    world.observer.acknowledgements.refused_ids.clear()
    actions.operators.redrive()
    world.scheduler.run()


def _judge(world: World, readers: list[FollowingReader]) -> None:
    check_drained(world)
    check_converged(world)
    check_verified(world, readers)


def _raise_errors(tasks: list[Task]) -> None:
    """Raise the first error of the simulation itself, so that the history does not seem to pass."""
    for task in tasks:
        if isinstance(task.error, Exception):
            raise task.error
