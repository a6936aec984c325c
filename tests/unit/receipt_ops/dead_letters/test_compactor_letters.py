"""What the compactor sets aside is read, explained and sent again by `receipt-sync dlq`."""

from compactor.batch.dead_letters import DeadLetter
from receipt_ops.dead_letters.explanation import Outlook, concerns, explain
from receipt_ops.dead_letters.queue import Letter
from receipt_sync.messages import batch_body
from tests.support.fakes.world import World, line


def received(letter: DeadLetter) -> Letter:
    attributes = {"reason": letter.reason, "message_id": letter.message_id}
    return Letter("letter", letter.body, attributes)


def parked(world: World, *bodies: str) -> list[Letter]:
    """The letters that a batch of these bodies leaves."""
    assert world.handle(world.worker(), *bodies).returned == {}
    return [received(DeadLetter(*letter)) for letter in world.dead_letters.parked]


def loaded() -> World:
    world = World()
    keys = [line(number) for number in range(1, 9)]
    for key in keys:
        world.table.put(key, text="a")
    assert world.handle(world.worker(), world.delta_body(keys)).returned == {}
    for key in keys:
        world.table.items[key]["confidence"] = 1
    return world


def test_a_letter_of_several_refused_changes_names_them_all_and_is_applied_when_it_comes_again():
    world = loaded()
    world.index().poisonous |= {line(2).chroma_id, line(5).chroma_id}
    changes = [world.change_body(line(n), "confidence") for n in range(1, 9)]
    (letter,) = parked(world, batch_body(changes))
    explanation = explain(letter, None)  # type: ignore[arg-type]
    assert explanation.keys == (line(2).chroma_id, line(5).chroma_id)
    assert "InternalError" in explanation.reason
    assert explanation.outlook is Outlook.UNKNOWN
    assert concerns(letter, line(5))
    world.index().poisonous.clear()
    assert world.handle(world.worker(), letter.body).returned == {}
    assert world.differences() == []


def test_a_letter_of_broken_items_says_why_and_that_it_would_come_back():
    world = loaded()
    good = world.change_body(line(1), "confidence")
    (letter,) = parked(world, batch_body([good, '{"a":1}', '{"b":2}']))
    explanation = explain(letter, None)  # type: ignore[arg-type]
    assert explanation.kind == "change batch with broken items"
    assert explanation.outlook is Outlook.REFUSED
    assert explanation.reason == letter.reason
