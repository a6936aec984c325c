"""The conditions under which a change counts as visible."""

from typing import Any

import pytest

from loadtest.kinds import Kind
from loadtest.watcher.expectations import Expectation, Sighting, Wanted
from loadtest.watcher.outstanding import Outstanding
from receipt_index.records import Record
from receipt_sync.keys import Collection, EntityKey

LINES = Collection.LINES
ONE = EntityKey("image", 1, 1).chroma_id
TWO = EntityKey("image", 1, 2).chroma_id
WORD = EntityKey("image", 1, 1, 1).chroma_id
LIMIT = 60.0


@pytest.fixture
def outstanding() -> Outstanding:
    return Outstanding(LIMIT)


def expect(
    outstanding: Outstanding,
    change: int,
    fields: dict[str, Any] | None,
    *ids: str,
    written_at: float = 100.0,
) -> None:
    wanted = (Wanted(ids or (ONE,), fields),)
    outstanding.expect(Expectation(change, Kind.LINE, 1, written_at, wanted))


def check(
    outstanding: Outstanding,
    served: dict[str, dict[str, Any]],
    at: float = 101.0,
    collection: Collection = LINES,
) -> list[Sighting]:
    """Return the sightings when these records are served. The key `document` is the text."""
    found = {
        chroma_id: Record(
            chroma_id,
            {k: v for k, v in metadata.items() if k != "document"},
            metadata.get("document"),
        )
        for chroma_id, metadata in served.items()
    }
    return list(outstanding.check(collection, outstanding.ids(collection), found, at))


def changes(sightings: list[Sighting]) -> list[int]:
    return sorted(sighting.action for sighting in sightings)


def test_a_change_is_seen_when_its_value_is_served(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "NEW"})
    assert check(outstanding, {ONE: {"text": "OLD"}}) == []
    (sighting,) = check(outstanding, {ONE: {"text": "NEW"}}, at=102.5)
    assert (sighting.seen_at, sighting.seconds, sighting.records) == (102.5, 2.5, 1)
    assert len(outstanding) == 0


def test_a_change_of_two_fields_needs_both(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "NEW", "embedding_stale": True})
    assert check(outstanding, {ONE: {"text": "NEW"}}) == []
    assert changes(check(outstanding, {ONE: {"text": "NEW", "embedding_stale": True}})) == [1]


def test_a_field_that_must_be_absent_is_waited_for(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"next_line_text": None})
    assert check(outstanding, {ONE: {"next_line_text": "OLD"}}) == []
    assert changes(check(outstanding, {ONE: {}})) == [1]


def test_the_text_of_a_vector_is_no_metadata(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"document": "NEW"})
    assert check(outstanding, {ONE: {"text": "NEW", "document": "OLD"}}) == []
    assert changes(check(outstanding, {ONE: {"document": "NEW"}})) == [1]


def test_a_fan_out_counts_when_the_last_record_carries_it(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"merchant_name": "NEW"}, ONE, TWO)
    assert check(outstanding, {ONE: {"merchant_name": "NEW"}, TWO: {"merchant_name": "OLD"}}) == []
    both = {ONE: {"merchant_name": "NEW"}, TWO: {"merchant_name": "NEW"}}
    (sighting,) = check(outstanding, both, at=109.0)
    assert (sighting.seen_at, sighting.records) == (109.0, 2)


def test_a_fan_out_over_both_collections_counts_with_the_later_one(
    outstanding: Outstanding,
) -> None:
    expect(outstanding, 1, {"merchant_name": "NEW"}, ONE, WORD)
    words = {WORD: {"merchant_name": "NEW"}}
    assert check(outstanding, words, at=108.0, collection=Collection.WORDS) == []
    (sighting,) = check(outstanding, {ONE: {"merchant_name": "NEW"}}, at=105.0)
    assert sighting.seen_at == 108.0


def test_a_value_that_a_later_change_replaced_counts_as_passed(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "FIRST"})
    expect(outstanding, 2, {"text": "SECOND"})
    assert changes(check(outstanding, {ONE: {"text": "SECOND"}})) == [1, 2]


def test_an_earlier_value_shows_nothing_of_a_later_change(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "FIRST"})
    expect(outstanding, 2, {"text": "SECOND"})
    assert changes(check(outstanding, {ONE: {"text": "FIRST"}})) == [1]
    assert changes(check(outstanding, {ONE: {"text": "SECOND"}})) == [2]


def test_another_field_of_a_later_change_supersedes_nothing(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "NEW"})
    expect(outstanding, 2, {"confidence": 0.5})
    assert changes(check(outstanding, {ONE: {"text": "OLD", "confidence": 0.5}})) == [2]


def test_what_a_seen_change_has_passed_stays_passed(outstanding: Outstanding) -> None:
    """A vector that arrives after the next edit of its text is never visible with that text."""
    expect(outstanding, 1, {"text": "FIRST", "document": "FIRST", "embedding_stale": None})
    expect(outstanding, 2, {"text": "SECOND", "embedding_stale": True})
    late = {"text": "SECOND", "embedding_stale": True}
    assert changes(check(outstanding, {ONE: {**late, "document": "OLD"}})) == [2]
    assert changes(check(outstanding, {ONE: {**late, "document": "FIRST"}})) == [1]


def test_a_delete_is_seen_when_the_record_is_gone(outstanding: Outstanding) -> None:
    expect(outstanding, 1, None)
    assert check(outstanding, {ONE: {"text": "OLD"}}) == []
    assert changes(check(outstanding, {})) == [1]


def test_a_delete_passes_what_was_written_before(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "NEW"})
    expect(outstanding, 2, None)
    assert changes(check(outstanding, {})) == [1, 2]


def test_a_record_that_is_not_there_yet_shows_nothing(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "NEW", "merchant_category": None})
    assert check(outstanding, {}) == []
    assert len(outstanding) == 1


def test_what_was_served_before_the_write_shows_nothing_of_it(outstanding: Outstanding) -> None:
    """A record that has not arrived yet is absent too, so absence does not prove the delete."""
    expect(outstanding, 1, {"text": "NEW"}, written_at=100.0)
    expect(outstanding, 2, None, written_at=101.0)
    assert check(outstanding, {}, at=100.5) == []
    assert changes(check(outstanding, {}, at=102.0)) == [1, 2]


def test_a_number_of_another_type_is_not_the_value(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"confidence": 1.0})
    assert check(outstanding, {ONE: {"confidence": 1}}) == []


def test_a_change_is_given_up_after_the_limit(outstanding: Outstanding) -> None:
    expect(outstanding, 1, {"text": "NEW"}, ONE, TWO, written_at=100.0)
    expect(outstanding, 2, {"text": "NEW"}, TWO, written_at=150.0)
    assert outstanding.overdue(100.0 + LIMIT) == []
    (sighting,) = outstanding.overdue(100.5 + LIMIT)
    assert (sighting.action, sighting.seen_at, sighting.seconds) == (1, None, None)
    assert outstanding.ids(LINES) == [TWO]
    assert changes(check(outstanding, {TWO: {"text": "NEW"}}, at=161.0)) == [2]


def test_an_expectation_says_which_records_to_look_at(outstanding: Outstanding) -> None:
    wanted = (Wanted((ONE, WORD), {"merchant_name": "NEW"}), Wanted((TWO,), None))
    touched = outstanding.expect(Expectation(1, Kind.MERCHANT, 1, 1.0, wanted))
    assert touched == {LINES: [ONE, TWO], Collection.WORDS: [WORD]}


def test_expectation_and_sighting_survive_their_journey() -> None:
    wanted = (Wanted((ONE, TWO), {"text": "Ünï\nline", "confidence": 0.1}), Wanted((WORD,), None))
    expectation = Expectation(7, Kind.VECTOR, 2, 12.25, wanted)
    line = expectation.to_line()
    assert line.count("\n") == 1
    assert line.isascii()
    assert Expectation.of_line(line) == expectation
    sighting = Sighting(7, Kind.DELETE, 2, 3, 12.25, None)
    assert Sighting.of_line(sighting.to_line()) == sighting
