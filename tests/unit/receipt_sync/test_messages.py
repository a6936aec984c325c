"""The contracts of the compaction queue: what is built can be read, what breaks them can't."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from receipt_sync.errors import PoisonMessageError
from receipt_sync.keys import Collection, EntityKey, EntityType
from receipt_sync.messages import (
    Change,
    Delta,
    EntityData,
    batch_body,
    check_key,
    read_message,
    to_body,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
SECRET = "WHOLE MILK 4.50"
LINE = EntityKey("img", 1, 2)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def a_change(key: EntityKey = LINE, **fields: Any) -> Change:
    return Change(
        **{
            "entity_type": key.entity_type,
            "entity_data": EntityData.of(key),
            "changes": {"text": {"old": "a", "new": None}},
            "event_name": "MODIFY",
            "timestamp": NOW,
            "stream_record_id": "e1",
            "sequence_number": "100",
            "aws_region": "eu-west-1",
            **fields,
        }
    )


def content_of(message: Change | Delta) -> dict[str, Any]:
    return dict(json.loads(to_body(message)))


def body_with(**fields: Any) -> str:
    return json.dumps({**content_of(a_change()), **fields})


def reason_of(body: str) -> str:
    with pytest.raises(PoisonMessageError) as raised:
        read_message(body)
    return str(raised.value)


numbers = st.integers(0, 10**18 - 1)
images = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="#"), min_size=1, max_size=50
)
keys = st.one_of(
    st.tuples(images, numbers),
    st.tuples(images, numbers, numbers),
    st.tuples(images, numbers, numbers, numbers),
).map(lambda ids: EntityKey(*ids))
texts = st.text(st.characters(exclude_categories=["Cs"]))
shown = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
changes = st.builds(
    a_change,
    keys,
    changes=st.dictionaries(
        st.sampled_from(["text", "confidence"]), st.fixed_dictionaries({"old": shown, "new": shown})
    ),
    event_name=st.sampled_from(["INSERT", "MODIFY", "REMOVE"]),
    timestamp=st.datetimes(timezones=st.just(UTC)),
    stream_record_id=texts,
    sequence_number=st.integers(0, 10**40).map(str),
)


@given(changes)
def test_a_change_that_is_sent_is_read_as_it_was(change: Change) -> None:
    assert read_message(to_body(change)).changes == (change,)


@given(st.lists(changes, max_size=5))
def test_a_batch_that_is_sent_is_read_as_it_was(sent: list[Change]) -> None:
    content = read_message(batch_body(map(to_body, sent)))
    assert content.changes == tuple(sent)
    assert content.poison == ()


@given(st.sampled_from(Collection), st.integers(1, 10**6))
def test_a_delta_that_is_sent_is_read_as_it_was(collection: Collection, count: int) -> None:
    delta = Delta.of(collection, ULID, count)
    assert read_message(to_body(delta)).delta == delta


def test_a_change_carries_the_fields_of_its_contract_in_their_spelling() -> None:
    content = content_of(a_change(EntityKey("img", 1, 2, 3)))
    assert content == {
        "source": "dynamodb_stream",
        "schema": 1,
        "entity_type": "RECEIPT_WORD",
        "entity_data": {
            "entity_type": "RECEIPT_WORD",
            "image_id": "img",
            "receipt_id": 1,
            "line_id": 2,
            "word_id": 3,
        },
        "changes": {"text": {"old": "a", "new": None}},
        "event_name": "MODIFY",
        "timestamp": "2026-01-31T12:00:00Z",
        "stream_record_id": "e1",
        "sequence_number": "100",
        "aws_region": "eu-west-1",
    }


def test_ids_that_an_entity_does_not_have_are_left_out() -> None:
    assert set(content_of(a_change(EntityKey("img", 1)))["entity_data"]) == {
        "entity_type",
        "image_id",
        "receipt_id",
    }


def test_the_model_of_a_delta_is_optional() -> None:
    delta = Delta.of(Collection.WORDS, ULID, 7, "mini-lm 2.1")
    assert content_of(delta)["model"] == "mini-lm 2.1"
    assert read_message(to_body(delta)).delta == delta
    assert "model" not in content_of(Delta.of(Collection.WORDS, ULID, 7))


def test_a_delta_carries_the_fields_of_its_contract() -> None:
    assert content_of(Delta.of(Collection.WORDS, ULID, 7)) == {
        "source": "embedding_delta",
        "schema": 1,
        "collection": "receipt_words",
        "delta_id": ULID,
        "delta_key": f"deltas/receipt_words/{ULID}.npz",
        "vector_count": 7,
    }


def test_a_change_without_its_values_keeps_the_names_of_its_fields() -> None:
    small = a_change().model_copy(update={"changes": {"text": {}}})
    assert read_message(to_body(small)).changes == (small,)


@pytest.mark.parametrize(
    "fields",
    [
        {"entity_type": EntityType.WORD},
        {"timestamp": datetime(2026, 1, 1)},  # noqa: DTZ001 that it has no offset is the point
        {"event_name": "modify"},
        {"sequence_number": None},
        {"changes": {"text": "a"}},
    ],
)
def test_a_producer_cannot_build_a_change_that_breaks_the_contract(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_change(**fields)


@pytest.mark.parametrize(
    "ids",
    [
        {"image_id": "", "receipt_id": 1},
        {"image_id": "a#b", "receipt_id": 1},
        {"image_id": "\ud800", "receipt_id": 1},
        {"image_id": "a", "receipt_id": -1},
        {"image_id": "a", "receipt_id": 10**18},
        {"image_id": "a", "receipt_id": "1"},
        {"image_id": "a", "receipt_id": True},
        {"image_id": "a", "receipt_id": 1.0},
        {"image_id": "a", "receipt_id": 1, "line_id": 1},
        {"image_id": "a", "receipt_id": 1, "word_id": 1},
    ],
)
def test_a_producer_cannot_name_an_entity_that_no_key_belongs_to(ids: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EntityData(entity_type=EntityType.METADATA, **ids)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        (SECRET, "not JSON"),
        ('{"source": "\\ud800"}', "not JSON"),
        ("[" * 5000, "not JSON"),
        ("[]", "no object"),
        ("null", "no object"),
        (json.dumps(SECRET), "no object"),
        ("{}", "source None is none of"),
        ('{"source": "dynamodb_streams"}', "source 'dynamodb_streams' is none of"),
        (body_with(schema=2), "schema: "),
        (body_with(entity_type="RECEIPT_WORD"), "entity_type and entity_data.entity_type differ"),
        (body_with(event_name="UPDATE"), "event_name: "),
        (body_with(timestamp="2026-01-31T12:00:00"), "timestamp: "),
        (body_with(timestamp="yesterday"), "timestamp: "),
        (body_with(changes=[]), "changes: "),
        (body_with(entity_data={}), "entity_data.image_id: "),
        ('{"source": "dynamodb_stream"}', "entity_data: Field required"),
    ],
)
def test_a_message_that_breaks_the_contract_is_poison_and_the_reason_says_where(
    body: str, said: str
) -> None:
    assert said in reason_of(body)


@pytest.mark.parametrize(
    "fields",
    [
        {"delta_key": f"deltas/receipt_words/{ULID}.npz"},
        {"delta_key": f"snapshots/{ULID}.npz"},
        {"delta_id": ULID.lower()},
        {"delta_id": "8" + ULID[1:]},
        {"delta_id": "../../etc/passwd"},
        {"vector_count": 0},
        {"vector_count": None},
        {"collection": "receipt_labels"},
        {"schema": 2},
    ],
)
def test_a_delta_that_breaks_the_contract_is_poison(fields: dict[str, Any]) -> None:
    content = content_of(Delta.of(Collection.LINES, ULID, 1))
    assert read_message(json.dumps(content)).delta
    reason_of(json.dumps({**content, **fields}))


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ({"image_id": "x" * 3000, "receipt_id": 1, "line_id": 2}, "2048 bytes"),
        ({"image_id": "", "receipt_id": 1, "line_id": 2}, "image_id"),
    ],
)
def test_an_entity_whose_key_the_table_cannot_hold_is_poison(
    ids: dict[str, Any], said: str
) -> None:
    body = body_with(entity_data={"entity_type": "RECEIPT_LINE", **ids})
    assert said in reason_of(body)


@given(
    st.text(min_size=1, max_size=3_000),
    st.lists(st.integers(-1, 10**18) | st.none(), min_size=3, max_size=3),
)
def test_a_change_is_valid_only_if_a_table_key_belongs_to_it(
    image_id: str, numbers: list[int | None]
) -> None:
    key = EntityKey(image_id, *numbers)  # type: ignore[arg-type]
    data = {"entity_type": key.entity_type, **key._asdict()}
    body = body_with(entity_type=key.entity_type, entity_data=data)
    try:
        (change,) = read_message(body).changes
    except PoisonMessageError:
        with pytest.raises((PoisonMessageError, TypeError, ValueError)):
            check_key(key)
    else:
        assert check_key(change.key) == key


@pytest.mark.parametrize("length", [1_024, 1_025, 2_042])
def test_an_image_id_may_be_as_long_as_the_table_allows(length: int) -> None:
    for letter in ("x", "\u00e9"):
        data = {"entity_type": "RECEIPT_LINE", "image_id": letter * length, "receipt_id": 1}
        body = body_with(entity_data={**data, "line_id": 2})
        if len(f"IMAGE#{letter * length}".encode()) <= 2_048:
            assert len(read_message(body).changes) == 1
        else:
            assert "2048 bytes" in reason_of(body)


def test_a_key_that_a_delta_names_is_checked_likewise() -> None:
    assert check_key(EntityKey("img", 1, 2)) == EntityKey("img", 1, 2)
    for key in (EntityKey("a#b", 1, 2), EntityKey("a", -1, 2), EntityKey("a", 1, 10**18)):
        with pytest.raises(PoisonMessageError):
            check_key(key)


def test_one_bad_item_of_a_batch_spoils_itself_alone() -> None:
    good, bad = a_change(), {**content_of(a_change()), "entity_type": "RECEIPT_LABEL"}
    content = read_message(batch_body([to_body(good), json.dumps(bad), to_body(good), "5"]))
    assert content.changes == (good, good)
    assert [json.loads(poison.body) for poison in content.poison] == [bad, 5]
    assert "entity_type" in content.poison[0].reason


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"batch_size": 2}, "batch_size says 2, but there are 1 items"),
        ({"batch_size": SECRET}, "batch_size says (a str)"),
        ({"schema": 2}, "schema 1"),
        ({"items": {}}, "list of items"),
        ({"items": None}, "list of items"),
    ],
)
def test_a_batch_that_does_not_hold_what_it_says_is_poison_as_a_whole(
    fields: dict[str, Any], said: str
) -> None:
    content = json.loads(batch_body([to_body(a_change())]))
    assert said in reason_of(json.dumps({**content, **fields}))


def _secretive() -> list[str]:
    change, delta = content_of(a_change()), content_of(Delta.of(Collection.LINES, ULID, 1))
    spoilt = [{**change, name: SECRET} for name in change]
    spoilt += [{**delta, name: SECRET} for name in delta]
    spoilt += [{**change, "changes": {SECRET: SECRET}}, {**change, "changes": {SECRET: [SECRET]}}]
    spoilt += [{**change, "source": source} for source in ({SECRET: SECRET}, [SECRET], SECRET * 9)]
    entity = {**change["entity_data"], "receipt_id": SECRET, "line_id": [SECRET]}
    spoilt += [{**change, "entity_data": entity}, {**change, "entity_data": {SECRET: SECRET}}]
    batch = json.loads(batch_body([to_body(a_change())]))
    spoilt += [{**batch, name: SECRET} for name in batch] + [{**batch, "items": [{SECRET: SECRET}]}]
    return [json.dumps(content) for content in spoilt]


def _reasons(body: str) -> list[str]:
    """Every reason that reading a message gives, with the errors that led to it."""
    try:
        return [poison.reason for poison in read_message(body).poison]
    except PoisonMessageError as error:
        return [str(error), str(error.__cause__)]


@pytest.mark.parametrize("body", _secretive())
def test_no_reason_quotes_what_a_message_holds(body: str) -> None:
    assert all(SECRET not in reason for reason in _reasons(body))
