"""Dead letters that are sent again, dropped, or only looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from receipt_ops.dead_letters.peeking import peek
from receipt_ops.dead_letters.queue import DeadLetter, held
from receipt_ops.dead_letters.queues import as_changes, without_entity
from receipt_ops.dead_letters.redriving import drop, redrive
from receipt_sync.errors import DeltaRefusedError
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line
from tests.unit.receipt_ops.dead_letters.in_memory_queue import (
    FAILURE,
    KEYS,
    MALFORMED,
    Changes,
    InMemoryDeadLetterQueue,
    change_body,
    dead_letter,
)


def test_each_dead_letter_is_sent_before_it_is_deleted() -> None:
    queue = InMemoryDeadLetterQueue("a", "b")
    done = redrive(queue, queue.send)
    assert (done.moved, done.count) == (["a", "b"], 2)
    assert queue.log == [("send", ["a", "b"]), ("delete", ["a", "b"]), ("let go", [])]


def test_a_dead_letter_that_could_not_be_sent_is_not_deleted_and_let_go() -> None:
    queue = InMemoryDeadLetterQueue(*(f"{n:02d}" for n in range(15)))

    def send(dead_letters: Sequence[DeadLetter]) -> None:
        if dead_letters[0].message_id == "10":
            raise DeltaRefusedError("no")
        queue.send(dead_letters)

    with pytest.raises(DeltaRefusedError):
        redrive(queue, send)
    assert [ids for what, ids in queue.log if what == "delete"] == [[f"{n:02d}" for n in range(10)]]
    assert queue.log[-1] == ("let go", ["10", "11", "12", "13", "14"])


def test_a_dry_run_sends_and_deletes_nothing() -> None:
    queue = InMemoryDeadLetterQueue("a")
    assert redrive(queue, queue.send, dry_run=True).moved == ["a"]
    assert queue.log == [("let go", ["a"])]


def test_only_named_dead_letters_move_unknown_ones_are_named_and_refused_ones_stay() -> None:
    queue = InMemoryDeadLetterQueue("a", "b", "c")
    done = redrive(
        queue,
        queue.send,
        only=["a", "c", "z"],
        refuse=lambda one: "no" if one.message_id == "c" else None,
    )
    assert (done.moved, done.unknown, done.kept) == (["a"], ["z"], {"c": "no"})
    assert queue.log[-1] == ("let go", ["b", "c"])


def test_dropped_dead_letters_are_deleted_and_sent_nowhere() -> None:
    queue = InMemoryDeadLetterQueue("a", "b")
    assert drop(queue, ["b"]).moved == ["b"]
    assert queue.log == [("delete", ["b"]), ("let go", ["a"])]


def test_received_dead_letters_are_released_in_every_case() -> None:
    queue = InMemoryDeadLetterQueue("a")
    with pytest.raises(ZeroDivisionError), held(queue, 10):
        raise ZeroDivisionError
    assert queue.log == [("let go", ["a"])]


def test_what_could_not_be_looked_at_is_counted() -> None:
    queue = InMemoryDeadLetterQueue("a", "b", "c")
    queue.elsewhere = 2
    with held(queue, 2) as found:
        assert ([one.message_id for one in found.dead_letters], found.unseen) == (["a", "b"], 3)
    assert redrive(queue, queue.send).unseen == 2


def test_a_look_that_is_interrupted_lets_go_of_what_it_has() -> None:
    class Interrupted(InMemoryDeadLetterQueue):
        def look(self, most: int) -> Iterator[DeadLetter]:
            yield self.dead_letters["a"]
            raise KeyboardInterrupt

    queue = Interrupted("a", "b")
    with pytest.raises(KeyboardInterrupt), held(queue, 10):
        pytest.fail("the look was not over")
    assert queue.log == [("let go", ["a"])]


def test_a_peek_leaves_no_message_near_its_last_receive() -> None:
    queue = InMemoryDeadLetterQueue("a", "b", "c")
    for number, one in enumerate(list(queue.dead_letters), 2):
        queue.dead_letters[one] = replace(
            queue.dead_letters[one], receives=number
        )  # 2, 3 and 4 of 5
    dead_letters, unseen = peek(queue, queue.send, 5)
    assert ([one.message_id for one in dead_letters], unseen) == (["a", "b", "c"], 0)
    assert queue.log == [("send", ["c"]), ("delete", ["c"]), ("let go", ["a", "b"])]


def test_parked_records_go_back_as_changes_of_their_entities_and_others_say_why_not() -> None:
    changes = Changes()
    good, bad = (
        dead_letter({"dynamodb": {"Keys": KEYS}}),
        dead_letter({"dynamodb": {"Keys": MALFORMED}}),
    )
    as_changes(changes, ManualClock())([good])
    assert [(c.key, c.event_name) for c in changes.sent] == [(line(1), "INSERT")]
    assert without_entity(good) is None
    assert "five digits" in str(without_entity(bad))
    assert "replay" in str(without_entity(dead_letter(FAILURE)))
    assert "not a stream record" in str(without_entity(dead_letter(change_body())))
