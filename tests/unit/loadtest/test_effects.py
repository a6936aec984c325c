"""The fields that each record must hold after a change."""

from random import Random

import pytest

from loadtest.kinds import Kind
from loadtest.watcher.expectations import Wanted
from loadtest.writers.actions import Actions
from loadtest.writers.effects import Edit, apply, whole
from loadtest.writers.ledger import Held, Ledger
from receipt_sync.keys import Collection, EntityKey
from tests.unit.loadtest.memory_system import receipt


@pytest.fixture
def held() -> Held:
    return Held.of(receipt("one"))


def line(held: Held, number: int) -> EntityKey:
    return held.metadata._replace(line_id=number)


def by_id(wanted: tuple[Wanted, ...]) -> dict[str, object]:
    return {chroma_id: group.fields for group in wanted for chroma_id in group.ids}


def test_a_text_shows_in_its_record_and_as_its_neighbours_context(held: Held) -> None:
    key = line(held, 2)
    wanted = by_id(apply(Edit({key: {**(held.items[key] or {}), "text": "NEW"}}), held))
    assert wanted == {
        line(held, 1).chroma_id: {"next_line_text": "NEW"},
        key.chroma_id: {"text": "NEW", "embedding_stale": True},
        line(held, 3).chroma_id: {"prev_line_text": "NEW"},
    }


def test_a_vector_of_the_new_text_ends_its_being_stale(held: Held) -> None:
    key = line(held, 2)
    apply(Edit({key: {**(held.items[key] or {}), "text": "NEW"}}), held)
    wanted = by_id(apply(Edit({}, {key: "NEW"}), held))
    assert wanted == {key.chroma_id: {"embedding_stale": None, "document": "NEW"}}


def test_a_merchant_shows_in_every_record_of_the_receipt(held: Held) -> None:
    key = held.metadata
    (group,) = apply(Edit({key: {**(held.items[key] or {}), "merchant_name": "NEW"}}), held)
    assert group.fields == {"merchant_name": "NEW"}
    assert set(group.ids) == {k.chroma_id for k in held.items if k.collection}


def test_a_deleted_line_goes_with_its_words_and_its_neighbours_forget_it(held: Held) -> None:
    doomed = held.line_with_words(line(held, 1))
    assert len(doomed) == 4
    wanted = by_id(apply(Edit(dict.fromkeys(doomed)), held))
    assert wanted.pop(line(held, 2).chroma_id) == {"prev_line_text": None}
    assert wanted == dict.fromkeys((key.chroma_id for key in doomed), None)
    assert line(held, 1) not in held.items


def test_what_does_not_show_is_not_expected(held: Held) -> None:
    key = held.metadata
    assert apply(Edit({key: {**(held.items[key] or {}), "reviewed_by": "me"}}), held) == ()


def test_a_new_receipt_shows_whole(held: Held) -> None:
    wanted = by_id(whole(held))
    assert wanted.keys() == {key.chroma_id for key in held.items if key.collection}
    first = wanted[line(held, 1).chroma_id]
    assert isinstance(first, dict)
    assert first["document"] == first["text"] == "FLAT WHITE 4.50"
    assert first["embedding_status"] == "SUCCESS"
    assert first["next_line_text"] == "TAX 0.25"


@pytest.mark.parametrize("kind", sorted(set(Kind) - {Kind.RECEIPT, Kind.IRRELEVANT}))
def test_every_act_changes_something_and_never_back_to_what_was(kind: Kind) -> None:
    held, actions, randomness = Held.of(receipt("one")), Actions(4), Random(1)
    shown: set[str] = set()
    for number in range(1, 40):
        if not held.items:
            break
        for group in apply(actions.plan(kind, held, number, randomness).edit, held):
            for chroma_id in group.ids:
                value = f"{chroma_id} {group.fields}"
                assert value not in shown
                shown.add(value)
    assert shown


def test_a_burst_writes_one_field_over_and_over() -> None:
    held = Held.of(receipt("one"))
    action = Actions(6).plan(Kind.BURST, held, 1, Random(1))
    assert len(action.writes) == 6
    assert len(action.edit.items) == 1


def test_a_borrowed_receipt_is_not_borrowed_again() -> None:
    ledger = Ledger([receipt("hot"), receipt("one"), receipt("two")])
    with ledger.any(Random(1)) as first, ledger.any(Random(1)) as second:
        assert first is not None
        assert second is not None
        assert first is not second
        with ledger.any(Random(1)) as third:
            assert third is None
    with ledger.any(Random(1)) as again:
        assert again is not None


def test_the_hot_receipt_is_never_given_for_any() -> None:
    ledger = Ledger([receipt("hot"), receipt("one")])
    for seed in range(20):
        with ledger.any(Random(seed)) as held:
            assert held is not None
            assert held.metadata != ledger.hot_key
    with ledger.hot() as hot:
        assert hot is not None
        assert hot.metadata == ledger.hot_key


def test_a_receipt_that_was_given_up_is_not_given_again() -> None:
    ledger = Ledger([receipt("hot"), receipt("one")])
    with ledger.any(Random(1)) as held:
        assert held is not None
        held.usable = False
    with ledger.any(Random(1)) as nothing:
        assert nothing is None


def test_receipts_that_were_given_up_do_not_hide_the_one_that_is_left() -> None:
    ledger = Ledger([receipt("hot"), *(receipt(f"{number}") for number in range(100))])
    for seed in range(99):
        with ledger.any(Random(seed)) as held:
            assert held is not None
            held.usable = False
    for seed in range(10):
        with ledger.any(Random(seed)) as left:
            assert left is not None


def test_words_and_lines_are_found_by_collection(held: Held) -> None:
    assert len(held.keys(Collection.LINES)) == 4
    assert len(held.keys(Collection.WORDS)) == 8
