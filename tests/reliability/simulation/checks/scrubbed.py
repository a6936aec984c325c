"""Checks what the scrub repairs and counts (I12)."""

from collections.abc import Callable
from typing import Final

from receipt_index.snapshot.format.manifest import read_manifest
from receipt_index.snapshot.format.scrub_state import ScrubState, Tally
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric
from tests.reliability.simulation.actors.scrubbers import Scrubbers
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.faults.faults import Fault, Kind, Side, StepFault
from tests.reliability.simulation.workload.script import SCRUB_PATIENCE

_MOST_TICKS: Final = 300
_GUARD_SHARE: Final = 0.3
"""The share of the histories that check the delete guard, which takes as long as the rest."""
_ROUNDS: Final = 2
"""Completed rounds after which one of them has begun after any moment before."""


def check_nothing_counted(system: SimulatedSystem) -> None:
    """Check that no difference was counted while only messages made records differ."""
    found = system.measured[Metric.DIFFERENCES_FOUND]
    if found:
        system.scheduler.fail(
            Check.SCRUBBED, f"{found} differences were counted, but only messages waited"
        )


def prove(system: SimulatedSystem, scrubbers: Scrubbers) -> None:
    """Damage records while all is quiet, and check that each is repaired and counted once."""
    scrubbers.slot.cool()  # A warm process leaves a record out that the index has refused.
    _rounds(system, scrubbers)
    right = {c: dict(system.observer.publishes.last[c].records) for c in Collection}
    found, repaired = _counts(system)
    damaged = sum(
        scrubbers.damage_records(c, system.random.fraction("damage", c)) for c in Collection
    )
    tallied = _rounds(system, scrubbers, _failing_publish(system))
    for collection, records in right.items():
        present = system.observer.publishes.last[collection].records
        wrong = [i for i in {*records, *present} if records.get(i) != present.get(i)]
        if wrong:
            system.scheduler.fail(Check.SCRUBBED, f"{sorted(wrong)} are not right again")
    measured = (_counts(system)[0] - found, _counts(system)[1] - repaired)
    for counted in (measured, tallied):
        if counted != (damaged, damaged):
            system.scheduler.fail(
                Check.SCRUBBED, f"{damaged} records were damaged, and {counted} found and repaired"
            )
    if system.random.happens(_GUARD_SHARE, "guard"):
        _check_guard(system, scrubbers)


def _failing_publish(system: SimulatedSystem) -> Callable[[int], None]:
    """Return a function that lets one of the first publishes fail."""
    failing = 1 + int(3 * system.random.fraction("failing publish"))

    def before(number: int) -> None:
        faults = system.faults
        faults.active = number == failing
        if faults.active:
            faults.rates, faults.targets = {}, ()
            fault = Fault("proof", Kind.ERROR, Side.BEFORE, 0.0)
            faults.step_faults.append(StepFault("proof", "manifest.swap", fault, lambda: None))
        else:
            faults.step_faults.clear()

    return before


def _check_guard(system: SimulatedSystem, scrubbers: Scrubbers) -> None:
    """Check that repairs delete nothing beyond the guard, and go on once an operator allows it."""
    collection = Collection.LINES
    system.delete_floor = 0
    scrubbers.slot.cool()
    added = set(scrubbers.add_unexpected(collection, 3))
    _rounds(system, scrubbers)
    kept = added & system.observer.publishes.last[collection].records.keys()
    if kept != added:
        system.scheduler.fail(
            Check.DELETE_GUARD, f"the scrub deleted {sorted(added - kept)} in spite of the guard"
        )
    system.delete_floor = 1_000
    scrubbers.slot.cool()
    _rounds(system, scrubbers)
    left = added & system.observer.publishes.last[collection].records.keys()
    if left:
        system.scheduler.fail(Check.SCRUBBED, f"{sorted(left)} are not deleted")


def _rounds(
    system: SimulatedSystem,
    scrubbers: Scrubbers,
    before: Callable[[int], None] = lambda _: None,
) -> tuple[int, int]:
    """Tick until a round over each collection has begun and ended.

    Return the differences and repairs that the completed rounds have counted.
    """
    found = repaired = 0
    done = dict.fromkeys(Collection, 0)
    last = {c: _last(system, c) for c in Collection}
    number = 0
    while not all(done[c] >= _ROUNDS for c in Collection if _is_published(system, c)):
        if number == _MOST_TICKS:
            system.scheduler.fail(Check.SCRUBBED, f"no round ends within {_MOST_TICKS} ticks")
        before(number)
        number += 1
        scrubbers.tick()
        system.scheduler.sleep(SCRUB_PATIENCE + 1.0 + 2 * system.conditions.skew)
        for collection in Collection:
            tally = _last(system, collection)
            if tally is not None and tally != last[collection]:
                last[collection] = tally
                done[collection] += 1
                found, repaired = found + tally.differences, repaired + tally.repaired
    before(-1)
    return found, repaired


def _is_published(system: SimulatedSystem, collection: Collection) -> bool:
    return system.observer.publishes.last[collection].version > 0


def _last(system: SimulatedSystem, collection: Collection) -> Tally | None:
    state = _state(system, collection)
    return None if state is None else state.last


def _state(system: SimulatedSystem, collection: Collection) -> ScrubState | None:
    stored = system.store.objects.get(f"snapshots/{collection}/manifest.json")
    return None if stored is None else read_manifest(stored.data, collection).scrub


def _counts(system: SimulatedSystem) -> tuple[int, int]:
    measured = system.measured
    return measured[Metric.DIFFERENCES_FOUND], measured[Metric.DIFFERENCES_REPAIRED]
