"""Letters that are sent again, dropped, or only looked at."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from receipt_ops.dead_letters.peeking import peek
from receipt_ops.dead_letters.queue import Letter, held
from receipt_ops.dead_letters.queues import as_changes, without_entity
from receipt_ops.dead_letters.redriving import drop, redrive
from receipt_sync.errors import DeltaRefusedError
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line
from tests.unit.receipt_ops.dead_letters.letters import (
    FAILURE,
    KEYS,
    MALFORMED,
    Box,
    Changes,
    change_body,
    letter,
)


def test_each_letter_is_sent_before_it_is_deleted() -> None:
    box = Box("a", "b")
    done = redrive(box, box.send)
    assert (done.moved, done.count) == (["a", "b"], 2)
    assert box.log == [("send", ["a", "b"]), ("delete", ["a", "b"]), ("let go", [])]


def test_a_letter_that_could_not_be_sent_is_not_deleted_and_let_go() -> None:
    box = Box(*(f"{n:02d}" for n in range(15)))

    def send(letters: Sequence[Letter]) -> None:
        if letters[0].message_id == "10":
            raise DeltaRefusedError("no")
        box.send(letters)

    with pytest.raises(DeltaRefusedError):
        redrive(box, send)
    assert [ids for what, ids in box.log if what == "delete"] == [[f"{n:02d}" for n in range(10)]]
    assert box.log[-1] == ("let go", ["10", "11", "12", "13", "14"])


def test_a_dry_run_sends_and_deletes_nothing() -> None:
    box = Box("a")
    assert redrive(box, box.send, dry_run=True).moved == ["a"]
    assert box.log == [("let go", ["a"])]


def test_only_named_letters_move_unknown_ones_are_named_and_refused_ones_stay() -> None:
    box = Box("a", "b", "c")
    done = redrive(
        box,
        box.send,
        only=["a", "c", "z"],
        refuse=lambda one: "no" if one.message_id == "c" else None,
    )
    assert (done.moved, done.unknown, done.kept) == (["a"], ["z"], {"c": "no"})
    assert box.log[-1] == ("let go", ["b", "c"])


def test_dropped_letters_are_deleted_and_sent_nowhere() -> None:
    box = Box("a", "b")
    assert drop(box, ["b"]).moved == ["b"]
    assert box.log == [("delete", ["b"]), ("let go", ["a"])]


def test_whatever_happens_letters_that_were_looked_at_are_let_go() -> None:
    box = Box("a")
    with pytest.raises(ZeroDivisionError), held(box, 10):
        raise ZeroDivisionError
    assert box.log == [("let go", ["a"])]


def test_what_could_not_be_looked_at_is_counted() -> None:
    box = Box("a", "b", "c")
    box.elsewhere = 2
    with held(box, 2) as found:
        assert ([one.message_id for one in found.letters], found.unseen) == (["a", "b"], 3)
    assert redrive(box, box.send).unseen == 2


def test_a_look_that_is_interrupted_lets_go_of_what_it_has() -> None:
    class Interrupted(Box):
        def look(self, most: int) -> Iterator[Letter]:
            yield self.letters["a"]
            raise KeyboardInterrupt

    box = Interrupted("a", "b")
    with pytest.raises(KeyboardInterrupt), held(box, 10):
        pytest.fail("the look was not over")
    assert box.log == [("let go", ["a"])]


def test_a_peek_leaves_no_message_near_its_last_receive() -> None:
    box = Box("a", "b", "c")
    for number, one in enumerate(list(box.letters), 2):
        box.letters[one] = replace(box.letters[one], receives=number)  # 2, 3 and 4 of 5
    letters, unseen = peek(box, box.send, 5)
    assert ([one.message_id for one in letters], unseen) == (["a", "b", "c"], 0)
    assert box.log == [("send", ["c"]), ("delete", ["c"]), ("let go", ["a", "b"])]


def test_parked_records_go_back_as_changes_of_their_entities_and_others_say_why_not() -> None:
    changes = Changes()
    good, bad = letter({"dynamodb": {"Keys": KEYS}}), letter({"dynamodb": {"Keys": MALFORMED}})
    as_changes(changes, ManualClock())([good])
    assert [(c.key, c.event_name) for c in changes.sent] == [(line(1), "INSERT")]
    assert without_entity(good) is None
    assert "five digits" in str(without_entity(bad))
    assert "replay" in str(without_entity(letter(FAILURE)))
    assert "not a stream record" in str(without_entity(letter(change_body())))
