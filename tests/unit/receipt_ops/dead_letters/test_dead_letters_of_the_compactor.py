"""What the compactor sets aside is read, explained and sent again by `receipt-sync dlq`."""

from compactor.batch import dead_letters
from receipt_ops.dead_letters.explanation import Outlook, concerns, explain
from receipt_ops.dead_letters.queue import DeadLetter
from receipt_sync.messages import batch_body
from tests.support.fakes.system import InMemorySystem, line


def received(dead_letter: dead_letters.DeadLetter) -> DeadLetter:
    attributes = {"reason": dead_letter.reason, "message_id": dead_letter.message_id}
    return DeadLetter("dead letter", dead_letter.body, attributes)


def parked(system: InMemorySystem, *bodies: str) -> list[DeadLetter]:
    """The dead letters that a batch of these bodies leaves."""
    assert system.handle(system.worker(), *bodies).returned == {}
    return [
        received(dead_letters.DeadLetter(*dead_letter))
        for dead_letter in system.dead_letters.parked
    ]


def loaded() -> InMemorySystem:
    system = InMemorySystem()
    keys = [line(number) for number in range(1, 9)]
    for key in keys:
        system.table.put(key, text="a")
    assert system.handle(system.worker(), system.delta_body(keys)).returned == {}
    for key in keys:
        system.table.items[key]["confidence"] = 1
    return system


def test_a_dead_letter_names_all_its_refused_changes_and_a_redrive_applies_them() -> None:
    system = loaded()
    system.index().poisonous |= {line(2).chroma_id, line(5).chroma_id}
    changes = [system.change_body(line(n), "confidence") for n in range(1, 9)]
    (dead_letter,) = parked(system, batch_body(changes))
    explanation = explain(dead_letter, None)  # type: ignore[arg-type]
    assert explanation.keys == (line(2).chroma_id, line(5).chroma_id)
    assert "InternalError" in explanation.reason
    assert explanation.outlook is Outlook.UNKNOWN
    assert concerns(dead_letter, line(5))
    system.index().poisonous.clear()
    assert system.handle(system.worker(), dead_letter.body).returned == {}
    assert system.differences() == []


def test_a_dead_letter_of_broken_items_says_why_and_that_it_would_come_back() -> None:
    system = loaded()
    good = system.change_body(line(1), "confidence")
    (dead_letter,) = parked(system, batch_body([good, '{"a":1}', '{"b":2}']))
    explanation = explain(dead_letter, None)  # type: ignore[arg-type]
    assert explanation.kind == "change batch with broken items"
    assert explanation.outlook is Outlook.REFUSED
    assert explanation.reason == dead_letter.reason
