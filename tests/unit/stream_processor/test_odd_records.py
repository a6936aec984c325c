"""Odd records: those of other programs are passed over, ours are parked, none crashes its batch."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.deadline import Deadline
from receipt_sync.errors import PermanentError
from receipt_sync.keys import EntityKey, EntityType
from receipt_sync.messages import read_message
from receipt_sync.sqs_text import MESSAGE_LIMIT, legal
from stream_processor.detection import detect
from stream_processor.packing import pack
from stream_processor.parking import parked_body
from stream_processor.processor import StreamProcessor
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.telemetry import RecordingTelemetry
from tests.unit.stream_processor.fakes import InMemoryChangePublisher, InMemoryParking
from tests.unit.stream_processor.records import LINE, changed, raw_record, record, text_image

SECRET = "WHOLE MILK 4.50"
SURROGATE = chr(0xD800)


def reason_of(stream_record: Any) -> str:
    with pytest.raises(PermanentError) as raised:
        detect(stream_record)
    return str(raised.value)


def deep(levels: int) -> Any:
    value: Any = {"S": SECRET}
    for _ in range(levels):
        value = {"M": {"a": value}}
    return value


UNDECIDABLE = [
    None,
    5,
    SECRET,
    [SECRET],
    {},
    {"dynamodb": None},
    {"dynamodb": [SECRET]},
    {"dynamodb": SECRET},
    changed(record(), Keys=None),
    changed(record(), Keys=SECRET),
    changed(record(), Keys=[SECRET]),
    changed(record(), Keys={"PK": {"S": LINE.pk}}),
    changed(record(), Keys={"PK": {"S": LINE.pk}, "SK": None}),
    changed(record(), Keys={"PK": {"S": LINE.pk}, "SK": {"N": "1"}}),
    changed(record(), Keys={"PK": {"S": LINE.pk}, "SK": {"S": 1}}),
    changed(record(), Keys={"PK": {"S": [SECRET]}, "SK": {"S": LINE.sk}}),
    changed(record(), Keys={"PK": LINE.pk, "SK": LINE.sk}),
    changed(record(), Keys={"PK": {"S": LINE.pk, "N": "1"}, "SK": {"S": LINE.sk}}),
]


@pytest.mark.parametrize("stream_record", UNDECIDABLE)
def test_a_record_that_does_not_say_whose_it_is_is_malformed(stream_record: Any) -> None:
    reason = reason_of(stream_record)
    assert "its entity is unknown" in reason
    assert SECRET not in reason


OURS_BUT_ODD = {
    "no event name": {**record(), "eventName": None},
    "unknown event name": {**record(), "eventName": SECRET},
    "event name of a wrong type": {**record(), "eventName": ["MODIFY"]},
    "no sequence number": changed(record(), SequenceNumber=None),
    "sequence number of a wrong type": changed(record(), SequenceNumber=100),
    "sequence number that is none": changed(record(), SequenceNumber=SECRET),
    "sequence number with a sign": changed(record(), SequenceNumber="-1"),
    "endless sequence number": changed(record(), SequenceNumber="1" * 5000),
    "no time": changed(record(), ApproximateCreationDateTime=None),
    "time as text": changed(record(), ApproximateCreationDateTime=SECRET),
    "time as a truth value": changed(record(), ApproximateCreationDateTime=True),
    "time that is no number": changed(record(), ApproximateCreationDateTime=float("nan")),
    "endless time": changed(record(), ApproximateCreationDateTime=float("inf")),
    "time in milliseconds": changed(record(), ApproximateCreationDateTime=1_769_860_800_000),
    "new image a list": changed(record(), NewImage=[SECRET]),
    "old image a text": changed(record(), OldImage=SECRET),
    "empty list for an image": changed(record(), NewImage=[]),
    "value with two types": record(new=text_image(text={"S": SECRET, "N": "1"})),
    "value of an unknown type": record(new=text_image(text={SECRET: SECRET})),
    "value that is no map": record(new=text_image(text=SECRET)),
    "number of too many digits": record(new=text_image(confidence={"N": "1" * 400_000})),
    "nested too deeply": record(new=text_image(bounding_box=deep(100))),
    "bottomless": record(old=text_image(text=deep(5000)), new=text_image(text=deep(5000))),
}


@pytest.mark.parametrize("stream_record", OURS_BUT_ODD.values(), ids=OURS_BUT_ODD)
def test_one_of_ours_that_can_never_be_processed_is_malformed(stream_record: Any) -> None:
    assert SECRET not in reason_of(stream_record)


@pytest.mark.parametrize("stream_record", OURS_BUT_ODD.values(), ids=OURS_BUT_ODD)
@pytest.mark.parametrize("pk", ["USER#7", "LOCK#chroma-main-snapshot-lines"])
def test_someone_elses_record_may_be_as_odd_as_it_likes(stream_record: Any, pk: str) -> None:
    keys = {"PK": {"S": pk}, "SK": {"S": LINE.sk}}
    assert detect(changed(stream_record, Keys=keys)) is None


UNUSUAL = {
    "a text of 400 KB": "x" * 400_000,
    "400 KB beyond ASCII": "é" * 200_000,
    "400 KB of NUL": "\x00" * 400_000,
    "a lone surrogate": f"MILK {SURROGATE} 4.50",
    "characters that SQS refuses": "MILK \ufffe\uffff\x00\x0b 4.50",
    "an empty text": "",
    "quotes and backslashes": '"\\"\n\t' * 100,
    "beyond the first plane": "😀\U0001fffe",
}


@pytest.mark.parametrize("text", UNUSUAL.values(), ids=UNUSUAL)
@pytest.mark.parametrize("event", ["INSERT", "MODIFY", "REMOVE"])
def test_a_legal_but_unusual_text_travels_or_leaves_its_field_name(text: str, event: str) -> None:
    found = detect(record(event=event, old=text_image(text), new=text_image(f"{text}!")))
    assert found is not None
    (message,) = pack([found])
    assert len(message.body.encode()) < MESSAGE_LIMIT
    assert legal(message.body) == message.body
    (change,) = read_message(message.body).changes
    assert change.key == LINE
    assert "text" in change.changes
    sent = change.changes["text"].get("new", text)
    assert sent in {text, f"{text}!", None}


def test_a_name_inside_a_map_may_be_as_unusual() -> None:
    box = {"M": {SURROGATE: {"N": "1"}}}
    found = detect(record(new=text_image(bounding_box=box)))
    assert found is not None
    (change,) = read_message(pack([found])[0].body).changes
    assert change.changes["bounding_box"] == {}


def test_a_number_of_38_digits_arrives_whole() -> None:
    digits = "9" * 38
    found = detect(record(new=text_image(confidence={"N": digits})))
    assert found is not None
    (change,) = read_message(pack([found])[0].body).changes
    assert change.changes["confidence"]["new"] == int(digits)


def test_nesting_as_deep_as_the_table_allows_arrives() -> None:
    found = detect(record(new=text_image(bounding_box=deep(31))))
    assert found is not None
    (change,) = read_message(pack([found])[0].body).changes
    assert json.dumps(change.changes["bounding_box"]["new"]).count('"a"') == 31


@pytest.mark.parametrize("name", ["eventID", "awsRegion"])
@pytest.mark.parametrize("value", [None, 5, [SECRET], SURROGATE, "x" * 500_000, "é"])
def test_an_odd_label_of_a_record_is_left_out_and_the_change_is_sent(name: str, value: Any) -> None:
    found = detect({**record(), name: value})
    assert found is not None
    (change,) = read_message(pack([found])[0].body).changes
    assert change.stream_record_id == ("" if name == "eventID" else "event-100")


@pytest.mark.parametrize("stream_record", [*UNDECIDABLE, *OURS_BUT_ODD.values()])
def test_whatever_is_parked_is_a_legal_body_and_valid_json(stream_record: Any) -> None:
    body = parked_body(stream_record)
    json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert legal(body) == body
    assert body.isascii()


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from([LINE.pk, LINE.sk, "IMAGE#", "RECEIPT#1#METADATA", "INSERT", "MODIFY", "7"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(["S", "N", "M", "L", "SS", "B", "NULL", "PK", "SK", "text"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


def paths(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every place in a record."""
    inner = value.items() if isinstance(value, dict) else ()
    return [path, *(p for name, member in inner for p in paths(member, (*path, name)))]


def replaced(value: Any, path: tuple[str, ...], other: Any) -> Any:
    if not path:
        return other
    return {**value, path[0]: replaced(value[path[0]], path[1:], other)}


BASES = [
    record(),
    record(event="INSERT"),
    record(EntityKey("i", 1), "REMOVE"),
    raw_record("U", "s"),
]
spoilt = st.sampled_from(BASES).flatmap(
    lambda base: st.builds(replaced, st.just(base), st.sampled_from(paths(base)), json_values)
)


@given(st.lists(spoilt, max_size=4))
def test_no_record_crashes_its_batch_nor_its_neighbours(odd: list[Any]) -> None:
    telemetry, publisher, parking = (
        RecordingTelemetry(),
        InMemoryChangePublisher(),
        InMemoryParking(),
    )
    processor = StreamProcessor(publisher, parking, frozenset(EntityType), telemetry)
    good = record(EntityKey("good", 1, 1))
    outcome = processor.process([*odd, good, *odd], Deadline(ManualClock(), 60))
    assert outcome.failed_from is None
    sent = [change for m in publisher.sent for change in read_message(m.body).changes]
    assert EntityKey("good", 1, 1) in {change.key for change in sent}
    assert all(read_message(m.body).poison == () for m in publisher.sent)
    for stream_record, reason in parking.parked:
        assert reason
        json.loads(parked_body(stream_record))
