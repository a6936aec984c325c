"""A proxy in front of a Chroma server confirms writes that the server never receives."""

import pytest

from tests.support.fakes.server import InMemoryServerSystem
from tests.support.fakes.system import line


@pytest.mark.parametrize("ignored", ["insert", "update", "replace", "delete"])
def test_the_messages_return_and_no_record_is_blamed(ignored: str) -> None:
    """Other writes of the same batch took effect, so the records became dead letters at once."""
    system = InMemoryServerSystem()
    for number in range(1, 6):
        system.table.put(line(number), text="text")
    system.handle(system.worker(), system.delta_body([line(number) for number in range(1, 4)]))
    del system.table.items[line(1)]
    system.table.put(line(2), text="edited")
    bodies = [
        system.change_body(line(1), event="REMOVE"),
        system.change_body(line(2), "text"),
        system.delta_body([line(3)]),
        system.delta_body([line(4), line(5)]),
    ]
    system.index().ignored.add(ignored)
    report = system.handle(system.worker(), *bodies)
    assert system.dead_letters.parked == []
    assert report.returned
    assert all("WriteIgnoredError" in reason for reason in report.returned.values())
    system.index().ignored.clear()
    assert system.handle(system.worker(), *bodies).returned == {}
    assert system.differences() == []


def test_a_record_that_the_server_changes_holds_up_no_other() -> None:
    """Each try leaves the others written, so the batch proves nothing about this one."""
    system = InMemoryServerSystem()
    for number in range(1, 8):
        system.table.put(line(number), text="text")
    system.handle(system.worker(), system.delta_body([line(number) for number in range(1, 8)]))
    for number in range(1, 8):
        system.table.put(line(number), text=f"edited {number}")
    system.index().mangled.add(line(4).chroma_id)
    bodies = [system.change_body(line(number), "text") for number in range(1, 8)]
    report = system.handle(system.worker(), *bodies)
    ((returned, reason),) = report.returned.items()
    assert (returned, "differs from what was written" in reason) == ("3", True)
    assert system.dead_letters.parked == []
    held = {n: system.index().records[line(n).chroma_id].metadata["text"] for n in range(1, 8)}
    assert held == {n: "mangled" if n == 4 else f"edited {n}" for n in range(1, 8)}
