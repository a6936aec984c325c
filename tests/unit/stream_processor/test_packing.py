"""Changes into as few messages and calls as the limits of SQS allow."""

import json
from itertools import groupby, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from receipt_sync.changes import EventName
from receipt_sync.keys import EntityKey
from receipt_sync.messages import Change, read_message, to_body
from receipt_sync.sqs_text import MESSAGE_LIMIT
from stream_processor.detection import EntityChange
from stream_processor.packing import (
    ENTRIES_A_CALL,
    MARGIN,
    MIXED,
    OutgoingMessage,
    calls,
    pack,
)
from tests.unit.stream_processor.test_coalescing import change

LIMIT = MARGIN + 3_000
"""Small, so that a few changes fill it."""
ATTRIBUTES = len(
    "source String dynamodb_stream_batch entity_type String RECEIPT_METADATA "
    "timestamp String 2026-01-31T12:00:00.000000+00:00"
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    ["x" * 900, "é" * 600, "\x00" * 300, "\ufffe" * 100, "😀" * 400, "y" * 5_000]
)
keys = st.one_of(
    st.tuples(st.sampled_from("abc"), st.integers(1, 3)),
    st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.integers(1, 4)),
    st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)),
).map(lambda ids: EntityKey(*ids))
batches = st.lists(st.tuples(keys, texts), max_size=40, unique_by=lambda row: row[0]).map(
    lambda rows: [
        change(key, number, text=(text, text)) for number, (key, text) in enumerate(rows, 1)
    ]
)


def keys_in(message: OutgoingMessage) -> list[EntityKey]:
    content = read_message(message.body)
    assert content.poison == ()
    return [c.key for c in content.changes]


@given(batches)
def test_nothing_is_lost_and_nothing_doubled(changes: list[EntityChange]) -> None:
    packed = [key for message in pack(changes, LIMIT) for key in keys_in(message)]
    assert sorted(packed, key=str) == sorted((c.key for c in changes), key=str)


@given(batches)
def test_no_message_is_larger_than_the_limit(changes: list[EntityChange]) -> None:
    for message in pack(changes, LIMIT):
        size = len(message.body.encode())
        assert size + ATTRIBUTES <= message.size <= LIMIT


@given(batches)
def test_no_call_is_larger_than_the_limits(changes: list[EntityChange]) -> None:
    messages = pack(changes, LIMIT)
    made = list(calls(messages, 2 * LIMIT))
    assert [message for call in made for message in call] == messages
    for call in made:
        assert 1 <= len(call) <= ENTRIES_A_CALL
        assert sum(len(m.body.encode()) + ATTRIBUTES for m in call) <= 2 * LIMIT
    for call, following in pairwise(made):
        full = len(call) == ENTRIES_A_CALL
        assert full or sum(m.size for m in call) + following[0].size > 2 * LIMIT


@given(batches)
def test_a_receipt_is_split_only_if_it_is_larger_than_a_message(
    changes: list[EntityChange],
) -> None:
    messages = pack(changes, LIMIT)
    for receipt in {c.key.receipt for c in changes}:
        holding = [m for m in messages if receipt in {k.receipt for k in keys_in(m)}]
        alone = pack([c for c in changes if c.key.receipt == receipt], LIMIT)
        assert len(holding) == 1 or len(alone) > 1


@given(batches)
def test_a_message_says_what_it_holds(changes: list[EntityChange]) -> None:
    by_key = {c.key: c for c in changes}
    for message in pack(changes, LIMIT):
        held = [by_key[key] for key in keys_in(message)]
        assert message.changes == len(held)
        assert message.first_sequence == min(c.first_sequence for c in held)
        assert message.timestamp == min(c.timestamp for c in held).isoformat()
        types = {c.key.entity_type.value for c in held}
        assert message.entity_type == (types.pop() if len(types) == 1 else MIXED)
        assert json.loads(message.body)["source"] == message.source
        assert (message.source == "dynamodb_stream") == (len(held) == 1)


def test_one_change_travels_alone_and_several_in_a_batch_that_the_consumer_knows() -> None:
    one, two = change(EntityKey("a", 1, 1), text=("a", "b")), change(EntityKey("a", 1, 2))
    (alone,), (together,) = pack([one]), pack([one, two])
    assert json.loads(alone.body)["source"] == "dynamodb_stream"
    assert json.loads(together.body)["source"] == "dynamodb_stream_batch"
    assert json.loads(together.body)["batch_size"] == 2
    assert keys_in(together) == [one.key, two.key]


def test_a_receipts_fan_of_changes_is_one_message() -> None:
    changes = [change(EntityKey("a", 1, n)) for n in range(500)]
    assert len(pack(changes)) == 1


def test_four_hundred_changes_of_fifty_receipts_fit_one_message() -> None:
    changes = [change(EntityKey(f"img{n % 50}", 1, n), text=("MILK", "BREAD")) for n in range(400)]
    (message,) = pack(changes)
    assert len(message.body) < MESSAGE_LIMIT
    runs = [receipt for receipt, _ in groupby(key.receipt for key in keys_in(message))]
    assert len(runs) == 50, "the changes of a receipt stand together"


@given(keys, texts, st.sampled_from(["INSERT", "MODIFY", "REMOVE"]))
def test_a_body_is_to_the_letter_what_the_contract_makes_of_it(
    key: EntityKey, text: str, event_name: EventName
) -> None:
    one = change(key, text=(text, None))._replace(event_name=event_name)
    body = pack([one], limit=10**7)[0].body
    assert body == to_body(TypeAdapter(Change).validate_json(body)).replace(
        "\ufffe", "\\ufffe"
    ).replace("\uffff", "\\uffff")


def test_values_that_do_not_fit_are_left_out_and_their_fields_are_named() -> None:
    large = change(EntityKey("a", 1, 1), text=("x" * 700_000, "y" * 700_000), is_noise=(True, None))
    (message,) = pack([large])
    (sent,) = read_message(message.body).changes
    assert sent.changes == {"text": {}, "is_noise": {}}


def test_values_that_fit_travel_even_if_they_are_large() -> None:
    large = change(EntityKey("a", 1, 1), text=("x" * 100_000, "y" * 100_000))
    (sent,) = read_message(pack([large])[0].body).changes
    assert sent.changes["text"] == {"old": "x" * 100_000, "new": "y" * 100_000}


def test_large_messages_go_in_calls_of_one_mebibyte() -> None:
    changes = [change(EntityKey(f"img{n}", 1, 1), text=("x" * 200_000, None)) for n in range(11)]
    made = list(calls(pack(changes)))
    assert [len(call) for call in made] == [5, 5, 1]


@pytest.mark.parametrize("number", [1, 10, 11, 25])
def test_ten_messages_go_in_a_call(number: int) -> None:
    changes = [change(EntityKey(f"img{n}", 1, 1), text=("x" * 90_000, None)) for n in range(number)]
    messages = [message for one in changes for message in pack([one])]
    assert [len(call) for call in calls(messages)] == [
        min(10, number - begun) for begun in range(0, number, 10)
    ]


def test_nothing_is_no_message_and_no_call() -> None:
    assert pack([]) == []
    assert list(calls([])) == []


@pytest.mark.parametrize(("more", "messages"), [(0, 1), (1, 2)])
def test_a_receipt_that_just_does_not_fit_begins_the_next_message(more: int, messages: int) -> None:
    """Each change takes its bytes and one for the comma."""
    first = [change(EntityKey("a", 1, 1), 1, text=("x", "x"))]
    second = [change(EntityKey("a", 2, n), n + 1, text=("x", "x")) for n in (1, 2, 3)]
    room = sum(pack([one])[0].size - MARGIN for one in (*first, *second))
    packed = pack([*first, *second], MARGIN + room - more)
    assert len(packed) == messages
    assert [keys_in(message) for message in packed][-1][-3:] == [one.key for one in second]
