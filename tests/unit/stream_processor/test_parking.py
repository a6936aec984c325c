"""The dead letters of the stream: always a legal message that says where to look."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_sync.errors import QueueSendError
from receipt_sync.sqs_text import MESSAGE_LIMIT, legal
from stream_processor.parking import parked_body
from stream_processor.sqs_parking import SQSParking
from tests.unit.stream_processor.fakes import DOWN, FakeSQS, refusal
from tests.unit.stream_processor.records import LINE, changed, malformed, record, text_image

URL = "http://127.0.0.1:1/dead"
NUMBER = "000000000000000000100"


def parked(stream_record: Any, reason: str = "why") -> dict[str, Any]:
    sqs = FakeSQS()
    SQSParking(sqs, URL).park(stream_record, reason)  # type: ignore[arg-type]
    (message,) = sqs.single
    return message


def attributes(message: dict[str, Any]) -> dict[str, str]:
    return {name: a["StringValue"] for name, a in message["MessageAttributes"].items()}


def test_a_record_is_kept_whole_with_its_reason() -> None:
    message = parked(malformed(), "its key is malformed")
    assert message["QueueUrl"] == URL
    assert json.loads(message["MessageBody"]) == malformed()
    assert attributes(message) == {
        "source": "dynamodb_stream",
        "reason": "its key is malformed",
        "stream_record_id": "event-100",
    }


@pytest.mark.parametrize("odd", [None, 5, "text", [], {}, {"eventID": 5}, {"eventID": ""}])
def test_a_record_without_an_id_is_kept_too(odd: Any) -> None:
    message = parked(odd, "")
    assert json.loads(message["MessageBody"]) == odd
    assert attributes(message) == {
        "source": "dynamodb_stream",
        "reason": "-",
        "stream_record_id": "-",
    }


def test_attributes_are_legal_and_short() -> None:
    message = parked({**record(), "eventID": "\x00" * 5_000}, "\ufffe" + "é" * 5_000)
    assert attributes(message)["reason"] == "\ufffd" + "é" * 999
    assert attributes(message)["stream_record_id"] == "\ufffd" * 1_000


@pytest.mark.parametrize(
    ("failure", "reason"), [(DOWN, "EndpointConnectionError"), (refusal("Denied"), "Denied")]
)
def test_a_failure_to_park_is_passed_on_with_its_reason(failure: Exception, reason: str) -> None:
    sqs = FakeSQS()
    sqs.single_failure = failure
    with pytest.raises(QueueSendError, match=reason):
        SQSParking(sqs, URL).park(record(), "why")  # type: ignore[arg-type]


def identity(stream_record: Any) -> tuple[Any, Any, Any]:
    content = json.loads(parked_body(stream_record))
    data = content["dynamodb"]
    return content["eventID"], data["SequenceNumber"], data["Keys"]


KEYS = {"PK": {"S": LINE.pk}, "SK": {"S": LINE.sk}}


@pytest.mark.parametrize(
    "images",
    [
        {"OldImage": text_image("x" * 600_000), "NewImage": text_image("x" * 600_000)},
        {"NewImage": ["é" * 600_000]},
        {"NewImage": "\x00" * 400_000},
    ],
)
def test_a_record_that_is_too_large_loses_its_images_alone(images: dict[str, Any]) -> None:
    large = changed(record(), **images)
    content = json.loads(parked_body(large))
    assert content["omitted"] == "images"
    kept = {n: v for n, v in large["dynamodb"].items() if n not in {"OldImage", "NewImage"}}
    assert content == {**large, "dynamodb": kept, "omitted": "images"}


@pytest.mark.parametrize(
    "spoilt",
    [
        changed(record(), Surprise="x" * 2_000_000),
        {**record(), "surprise": ["\\" * 600_000] * 3},
        changed(record(), ApproximateCreationDateTime=float("nan")),
        changed(record(), SizeBytes=float("inf")),
    ],
)
def test_what_is_too_large_still_or_cannot_be_written_goes_as_what_identifies_it(
    spoilt: Any,
) -> None:
    assert identity(spoilt) == ("event-100", NUMBER, KEYS)


def test_a_bottomless_record_goes_as_what_identifies_it() -> None:
    bottomless: Any = {"S": "x"}
    for _ in range(100_000):
        bottomless = {"M": {"a": bottomless}}
    assert identity(changed(record(), NewImage=bottomless)) == ("event-100", NUMBER, KEYS)


def test_the_longest_legal_key_is_kept_whole() -> None:
    keys = {"PK": {"S": "IMAGE#" + "\x00" * 2_042}, "SK": {"S": "\x00" * 1_024}}
    spoilt = changed(record(), Keys=keys, Surprise="x" * 2_000_000)
    assert identity(spoilt)[2] == keys


@pytest.mark.parametrize("giant", ["x" * 2_000_000, '"\\' * 1_000_000, ["é" * 500_000], 10**4000])
def test_giant_keys_and_numbers_are_cut_to_a_text(giant: Any) -> None:
    keys = {"PK": {"S": giant}, "SK": giant}
    body = parked_body({"eventID": giant, "dynamodb": {"Keys": keys, "SequenceNumber": giant}})
    assert len(body) < MESSAGE_LIMIT
    assert set(json.loads(body)["dynamodb"]["Keys"]) == {"PK", "SK"}


@pytest.mark.parametrize("other", ["x" * 2_000_000, ["x" * 2_000_000], {"a": "x" * 2_000_000}])
def test_a_giant_that_is_no_record_leaves_what_it_was(other: Any) -> None:
    content = json.loads(parked_body(other))
    assert content["omitted"] == f"all else of a {type(other).__name__}"


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=5)
    | st.text(st.characters(), max_size=20)
    | st.sampled_from(["x" * 600_000, "\uffff" * 100_000, object(), {1, 2}]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(st.characters(), max_size=3)
            | st.sampled_from(["dynamodb", "Keys", "eventID", "OldImage", "PK"])
            | st.integers()
            | st.binary(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(anything)
def test_the_body_of_anything_is_legal_valid_and_small_enough(value: Any) -> None:
    body = parked_body(value)
    json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert body == legal(body)
    assert len(body.encode()) <= MESSAGE_LIMIT - 3 * 4 * 1_000 - 200
