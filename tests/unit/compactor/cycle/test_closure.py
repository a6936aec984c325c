from compactor.cycle.closure import closure_of, touched_collections
from compactor.cycle.projection import ALL, Part
from receipt_sync.keys import Collection
from tests.support.fakes.system import InMemorySystem, line, metadata, word

CHANGE = InMemorySystem().change


def test_a_merchants_change_touches_every_record_of_the_receipt_in_both_collections() -> None:
    change = CHANGE(metadata(), "merchant_name")
    assert touched_collections(change) == (Collection.LINES, Collection.WORDS)
    closure = closure_of([change])
    assert closure.receipts == {metadata().receipt}
    assert closure.records == {}


def test_a_text_touches_itself_and_what_its_neighbours_hold_of_it() -> None:
    closure = closure_of([CHANGE(line(5), "text")])
    assert closure.records == {line(5): Part.OWN, line(4): Part.AFTER, line(6): Part.BEFORE}


def test_a_record_between_two_texts_that_changed_gets_both_sides() -> None:
    closure = closure_of([CHANGE(line(4), "text"), CHANGE(line(6), "text")])
    assert closure.records[line(5)] == Part.CONTEXT


def test_another_field_touches_itself_alone() -> None:
    assert closure_of([CHANGE(word(5), "confidence")]).records == {word(5): Part.OWN}


def test_a_removal_touches_itself_and_its_neighbours() -> None:
    closure = closure_of([CHANGE(word(5), event="REMOVE")])
    assert set(closure.records) == {word(4), word(5), word(6)}


def test_an_appearance_recomputes_the_whole_record() -> None:
    assert closure_of([CHANGE(line(1), event="INSERT")]).records[line(1)] == ALL


def test_a_vector_recomputes_the_whole_record_and_no_neighbour() -> None:
    assert closure_of([], [line(3)]).records == {line(3): ALL}


def test_the_first_line_has_no_neighbour_before_it() -> None:
    assert set(closure_of([CHANGE(line(0), "text")]).records) == {line(0), line(1)}


def test_a_burst_on_one_line_is_one_closure() -> None:
    changes = [CHANGE(line(5), "text", number=n) for n in range(500)]
    assert len(closure_of(changes).records) == 3
