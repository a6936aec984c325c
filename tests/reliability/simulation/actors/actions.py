"""The actions of the script's events."""

from collections.abc import Callable

from tests.reliability.simulation.actors.fault_injector import FaultInjector
from tests.reliability.simulation.actors.operators import Operators
from tests.reliability.simulation.actors.producers import Producers
from tests.reliability.simulation.actors.snapshot_operators import SnapshotOperators
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.environment.table import Attributes, Key
from tests.reliability.simulation.workload.events import IMAGES
from tests.reliability.simulation.workload.script import Event

_NAMED = {"edit_during_cycle", "outage", "collect_garbage"}
"""Events that inject faults. The faults have the names of their events."""


class Actions:
    """Finds the method that performs an event: of an editor, producer, operator or injector."""

    def __init__(self, system: SimulatedSystem) -> None:
        self.operators = Operators(system)
        self._actors = (
            Editors(system),
            Producers(system),
            self.operators,
            SnapshotOperators(system),
            FaultInjector(system),
        )

    def perform(self, event: Event) -> None:
        named = {"name": event.name} if event.action in _NAMED else {}
        self._method(event.action)(**named, **event.arguments)

    def _method(self, action: str) -> Callable[..., None]:
        actor = next(actor for actor in self._actors if hasattr(actor, action))
        method: Callable[..., None] = getattr(actor, action)
        return method


class Editors:
    """The people, pipelines and other users that write to the table."""

    def __init__(self, system: SimulatedSystem) -> None:
        self._system = system

    def put(self, key: Key, item: Attributes) -> None:
        self._system.table.write(key, item)

    def burst(self, puts: tuple[tuple[Key, Attributes], ...]) -> None:
        for key, item in puts:
            self.put(key, item)

    def flip(self, key: Key, item: Attributes, after: float) -> None:
        """Write an item, and restore the earlier one after a while."""
        before = self._system.table.items.get(key)
        if before is not None:
            self.put(key, item)
            self._system.scheduler.sleep(after)
            if self._system.table.items.get(key) == item:
                self.put(key, before)

    def remove(self, keys: tuple[Key, ...]) -> None:
        for key in keys:
            if key in self._system.table.items:
                self._system.table.write(key, None)

    def malformed(self, number: int) -> None:
        key = (f"IMAGE#{IMAGES[0]}", "RECEIPT#00001#LINE#x")
        self._system.table.write(key, _plain(key, number))

    def foreign(self, number: int) -> None:
        for key in (
            (f"IMAGE#{IMAGES[0]}", "RECEIPT#00001"),
            (f"IMAGE#{IMAGES[0]}", "RECEIPT#00001#LINE#00000#WORD#00001#LABEL#TOTAL"),
        ):
            self._system.table.write(key, _plain(key, number))


def _plain(key: Key, number: int) -> Attributes:
    return {"PK": {"S": key[0]}, "SK": {"S": key[1]}, "number": {"N": str(number)}}
