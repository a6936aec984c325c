"""Faults from outside: dead and paused workers, and services that do not answer."""

from collections.abc import Mapping
from functools import partial

from tests.reliability.simulation.environment.functions import Slot
from tests.reliability.simulation.environment.scheduler import Signal
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.environment.table import Attributes, Key
from tests.reliability.simulation.faults.faults import Fault, Kind, Outage, Side, StepFault
from tests.reliability.simulation.workload.events import SERVICES


class FaultInjector:
    """Performs the events that inject faults from outside."""

    def __init__(self, system: SimulatedSystem) -> None:
        self._system = system

    def crash(self, slot: int) -> None:
        for one in self._slots(slot):
            one.cool()

    def pause(self, slot: int, seconds: float, frozen: bool) -> None:
        for one in self._slots(slot):
            if one.process is not None:
                self._system.gate.pause(one.process, seconds, frozen=frozen)

    def edit_during_cycle(
        self,
        name: str,
        key: Key,
        item: Attributes,
        then: Attributes | str | None,
        step: str,
        side: Side,
        frozen: bool,
        seconds: float,
    ) -> None:
        """Write an edit, pause the worker that reaches the step with it, and then write again.

        The second write is another edit, the earlier item, or a deletion.
        """
        system, struck = self._system, Signal()
        before = system.table.items.get(key)
        system.table.write(key, item)
        fault = Fault(name, Kind.FREEZE if frozen else Kind.PAUSE, side, seconds)
        wake = partial(system.scheduler.give, struck)
        system.faults.step_faults.append(StepFault(name, step, fault, wake))
        system.scheduler.wait(struck, timeout=60.0)
        system.scheduler.sleep(1.0)
        after = before if then == "back" else then
        if key in system.table.items or isinstance(after, Mapping):
            system.table.write(key, after if isinstance(after, Mapping) else None)

    def outage(self, name: str, service: str, seconds: float, share: float, partial: bool) -> None:
        outage = Outage(name, frozenset(SERVICES[service]), share, partial)
        self._system.faults.outages.append(outage)
        self._system.scheduler.sleep(seconds)
        self._system.faults.outages.remove(outage)

    def _slots(self, number: int) -> list[Slot]:
        slots = self._system.slots
        return [slots[number % len(slots)]]
