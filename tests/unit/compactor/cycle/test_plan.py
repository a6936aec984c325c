import math

import numpy as np
import pytest

from compactor.cycle.closure import closure_of
from compactor.cycle.plan import make_plan, newest_vectors, same
from receipt_index.deltas import VectorBatch
from receipt_index.records import Record, Scalar
from tests.support.fakes.system import InMemorySystem, line

CHANGE = InMemorySystem().change
OLDER, NEWER = "01HZX0000000000000000000AA", "01HZX0000000000000000000AB"


def batch(delta_id: str, text: str, value: float = 1.0) -> VectorBatch:
    return VectorBatch(delta_id, (line(1).chroma_id,), np.full((1, 4), value, np.float32), (text,))


def held(**fields: Scalar | None) -> dict[str, Record]:
    metadata = {"image_id": "img", "receipt_id": 1, "line_id": 1, "text": "a", **fields}
    return {line(1).chroma_id: Record(line(1).chroma_id, metadata, "a")}


def test_what_is_equal_is_not_written() -> None:
    closure = closure_of([CHANGE(line(1), "text")])
    assert make_plan(closure, {}, {line(1): {"text": "a"}}, held()).is_empty


def test_only_the_keys_that_differ_are_written() -> None:
    closure = closure_of([CHANGE(line(1), "is_noise")])
    plan = make_plan(closure, {}, {line(1): {"text": "a", "is_noise": True}}, held(confidence=0.5))
    assert plan.update == {line(1).chroma_id: {"is_noise": True, "confidence": None}}


def test_a_change_before_its_vector_exists_has_nothing_to_update() -> None:
    closure = closure_of([CHANGE(line(1), "text", event="INSERT")])
    assert make_plan(closure, {}, {line(1): {"text": "a"}}, {}).is_empty


def test_a_vector_arrives_with_the_present_metadata() -> None:
    closure = closure_of([], [line(1)])
    plan = make_plan(closure, newest_vectors([batch(OLDER, "a")]), {line(1): {"text": "b"}}, {})
    (record,) = plan.insert
    assert (record.document, record.metadata["text"]) == ("a", "b")
    assert record.metadata["embedding_stale"] is True
    assert plan.stale == 1


def test_an_entity_deleted_before_its_vector_arrives_is_not_inserted() -> None:
    closure = closure_of([], [line(1)])
    plan = make_plan(closure, newest_vectors([batch(OLDER, "a")]), {line(1): None}, {})
    assert plan.is_empty
    assert plan.dropped_vectors == 1


def test_an_older_delta_never_replaces_a_newer_vector() -> None:
    closure = closure_of([], [line(1)])
    arrivals = newest_vectors([batch(OLDER, "a")])
    plan = make_plan(closure, arrivals, {line(1): {"text": "a"}}, held(delta_id=NEWER))
    assert plan.is_empty
    assert plan.dropped_vectors == 1


def test_applying_a_delta_twice_is_free() -> None:
    closure = closure_of([], [line(1)])
    arrivals = newest_vectors([batch(NEWER, "a")])
    plan = make_plan(closure, arrivals, {line(1): {"text": "a"}}, held(delta_id=NEWER))
    assert plan.is_empty
    assert plan.dropped_vectors == 0


def test_a_newer_delta_replaces_the_vector_and_ends_its_being_stale() -> None:
    closure = closure_of([], [line(1)])
    arrivals = newest_vectors([batch(NEWER, "b")])
    present = held(delta_id=OLDER, embedding_stale=True)
    plan = make_plan(closure, arrivals, {line(1): {"text": "b"}}, present)
    (record,) = plan.replace
    assert record.metadata == {"text": "b", "embedding_stale": None, "delta_id": NEWER}


@pytest.mark.parametrize("damaged", ["zzz", "7" + "Z" * 26, "8" + "0" * 25, "", "ü", 5, None])
def test_a_delta_id_that_is_no_ulid_keeps_no_vector_away(damaged: Scalar | None) -> None:
    """It is damage. As text it may sort after every delta there will ever be."""
    closure = closure_of([], [line(1)])
    arrivals = newest_vectors([batch(OLDER, "a")])
    plan = make_plan(closure, arrivals, {line(1): {"text": "a"}}, held(delta_id=damaged))
    (record,) = plan.replace
    assert record.metadata["delta_id"] == OLDER


def test_of_two_deltas_in_one_batch_the_newer_wins_whatever_their_order() -> None:
    for batches in ([batch(OLDER, "a"), batch(NEWER, "b")], [batch(NEWER, "b"), batch(OLDER, "a")]):
        assert newest_vectors(batches)[line(1).chroma_id].text == "b"


def test_types_are_told_apart_because_chromas_filters_do() -> None:
    assert not same(1, True)
    assert not same(1.0, 1)
    assert same(0.5, 0.5)


def test_a_float_that_chroma_gives_back_two_units_off_is_no_difference() -> None:
    value = 0.9759431846903073
    off = math.nextafter(math.nextafter(value, 0), 0)
    assert same(off, value)
    assert not same(0.9759431846, value)
    assert not same(math.nextafter(5.0, 6), 5)
