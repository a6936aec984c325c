"""Odd but legal data passes through the whole system, from stream record to index record."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from receipt_index.chroma import ChromaIndex
from receipt_index.records import NewVector
from receipt_sync.attributes import decode_item
from receipt_sync.deadline import Deadline
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection, EntityKey, EntityType
from stream_processor.processor import StreamProcessor
from stream_processor.sqs_parking import SQSParking
from stream_processor.sqs_publisher import SQSChangePublisher
from tests.reliability.fuzz.strict_queue import StrictQueue
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import InMemorySystem, line, metadata, word
from tests.support.fakes.telemetry import RecordingTelemetry

# Hundreds of examples: some ten seconds on an idle machine.
pytestmark = pytest.mark.timeout(1200)

_LARGEST_ITEM = 400_000
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(
        ["", "\x00", "\ufffe\uffff", "\U0010ffff", "e\u0301", "\u202e", "\r\n\t", "\\"]
    ),
)
_NUMBERS = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=8).map(lambda d: f"{d:f}"[:38]),
    st.sampled_from(["1E-130", "9.9999999999999999999999999999999999999E+125", "-0", "0.0"]),
)
_SCALARS = st.one_of(
    _TEXTS.map(lambda text: {"S": text}),
    _NUMBERS.map(lambda number: {"N": number}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
)
_ATTRIBUTES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda members: {"L": members}),
        st.dictionaries(st.text(max_size=5), inner, max_size=3).map(lambda map_: {"M": map_}),
    ),
    max_leaves=6,
)
_BOXES = st.fixed_dictionaries(
    {}, optional={side: _NUMBERS.map(lambda n: {"N": n}) for side in ("x", "y", "width", "height")}
).map(lambda sides: {"M": sides})
_ITEMS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.one_of(_TEXTS.map(lambda text: {"S": text}), _ATTRIBUTES),
        "confidence": st.one_of(_NUMBERS.map(lambda n: {"N": n}), _ATTRIBUTES),
        "bounding_box": st.one_of(_BOXES, _ATTRIBUTES),
        "is_noise": _ATTRIBUTES,
        "embedding_status": _ATTRIBUTES,
        "merchant_name": _ATTRIBUTES,
        "unknown attribute": _ATTRIBUTES,
    },
)
_IMAGES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="#"), min_size=1)
_NUMBERS_OF_LINES = st.one_of(st.integers(0, 3), st.sampled_from([99_999, 100_000, 10**18 - 2]))


class Journey:
    """A system behind a stream processor."""

    def __init__(self) -> None:
        self.system = InMemorySystem()
        self.compactor = self.system.worker()
        self.queue, self.parked, telemetry = StrictQueue(), StrictQueue(), RecordingTelemetry()
        sqs: Any = self.queue
        letters: Any = self.parked
        self.processor = StreamProcessor(
            SQSChangePublisher(sqs, "queue", Random(1), telemetry),
            SQSParking(letters, "letters"),
            frozenset(EntityType),
            telemetry,
        )

    def put(self, key: EntityKey, item: dict[str, Any]) -> None:
        """Write an item, embed it, and let its stream record come through."""
        self.system.table.put(key, **decode_item(item))
        if key.collection is not None:
            self.handle(self.system.delta_body([key], texts=[""]))
        self.processor.process([_record(key, item)], Deadline(ManualClock(), 60))
        self.handle(*(sent.body for sent in self.queue.sent))
        self.queue.sent.clear()

    def handle(self, *bodies: str) -> None:
        report = self.system.handle(self.compactor, *bodies)
        assert report.returned == {}
        assert self.system.dead_letters.parked == []
        assert self.parked.sent == []


@settings(max_examples=300, deadline=None)
@given(item=_ITEMS, merchant=_ITEMS, image=_IMAGES, number=_NUMBERS_OF_LINES)
def test_odd_items_become_records_that_equal_their_projection(
    item: dict[str, Any], merchant: dict[str, Any], image: str, number: int
) -> None:
    journey = Journey()
    for key in (line(number, image), word(number, 1, image)):
        journey.put(key, item)
        neighbour = key.neighbour(1)
        assert neighbour is not None
        journey.put(neighbour, item)
    journey.put(metadata(image), merchant)
    assert journey.system.differences() == []
    for collection in Collection:
        assert len(journey.system.index(collection).records) == 2


@pytest.mark.parametrize("character", ["a", "é", "\U0001f9fe", "\x00", "\uffff"])
def test_a_text_as_large_as_an_item_may_be_gets_through(character: str) -> None:
    journey = Journey()
    text = character * (_LARGEST_ITEM // len(character.encode()))
    journey.put(line(1), {"text": {"S": text}})
    journey.put(line(2), {"text": {"S": text}})
    assert journey.system.differences() == []
    record = journey.system.index().records[line(1).chroma_id]
    assert record.metadata["next_line_text"] == text


def test_a_receipt_of_99_999_lines_is_renamed() -> None:
    journey = Journey()
    for number in range(99_999):
        journey.system.table.put(line(number), text="")
    body = journey.system.delta_body([line(number) for number in range(0, 99_999, 20)])
    journey.handle(body)
    journey.put(metadata(), {"merchant_name": {"S": "Cafe"}})
    records = journey.system.index().records
    assert len(records) == 5_000
    assert {record.metadata["merchant_name"] for record in records.values()} == {"Cafe"}


def test_a_lone_surrogate_is_refused_by_chroma_and_spoils_nothing(tmp_path: Path) -> None:
    """No table can hold one; should it come all the same, it is one record's trouble."""
    index = ChromaIndex(tmp_path, Collection.LINES)
    vector = np.ones(4, np.float32)
    ids = [line(number).chroma_id for number in (1, 2)]
    index.insert([NewVector(chroma_id, vector, "", {"text": "a"}) for chroma_id in ids])
    with pytest.raises(IndexFailedError):
        index.update({ids[0]: {"text": "\ud800"}})
    index.update({ids[1]: {"text": "b"}})
    assert index.get(ids)[ids[1]].metadata["text"] == "b"
    index.close()


def _record(key: EntityKey, item: dict[str, Any]) -> dict[str, Any]:
    return {
        "eventID": "1",
        "eventName": "INSERT",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1767225600.0,
            "Keys": {"PK": {"S": key.pk}, "SK": {"S": key.sk}},
            "NewImage": item,
            "SequenceNumber": "1",
        },
    }
