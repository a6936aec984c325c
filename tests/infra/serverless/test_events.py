"""The sample events have the shape of AWS's events, and the code handles them as the cases say."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from local.invoke.cases import (
    COMPACTOR_CASES,
    DELTA_IDS,
    EVENTS,
    RECORDS,
    STREAM_CASES,
    TABLE,
    CompactorCase,
    StreamCase,
    event_path,
)
from local.quick.names import Names
from receipt_index.deltas import VectorBatch, encode
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, EntityKey, EntityType
from receipt_sync.messages import batch_body, delta_key, read_message, to_body
from stream_processor.detection import StreamRecord
from stream_processor.packing import OutgoingMessage
from stream_processor.processor import StreamProcessor
from tests.infra.serverless.templates import resources, sam
from tests.support.fakes.system import InMemorySystem
from tests.support.fakes.telemetry import RecordingTelemetry

MODELS = {"stream": ("dynamodb", "update"), "compactor": ("sqs", "receive-message")}


def shape(value: Any, depth: int) -> Any:
    """Return the names and types in an AWS event, down to the parts of a record."""
    if depth == 0 or not isinstance(value, dict):
        return type(value).__name__ if not isinstance(value, int | float) else "number"
    return {name: shape(part, depth - 1) for name, part in value.items()}


@pytest.fixture(scope="module")
def models() -> dict[str, list[dict[str, Any]]]:
    """Return the records of an event that `sam local generate-event` makes."""
    made = {kind: sam("local", "generate-event", *model) for kind, model in MODELS.items()}
    return {kind: json.loads(done.stdout)["Records"] for kind, done in made.items()}


def read_event(name: str) -> dict[str, Any]:
    """Return an event of the folder, as the function receives it."""
    return dict(json.loads(event_path(name).read_text()))


def names_of(case: Any) -> str:
    return str(case.event)


ALL_CASES = (*STREAM_CASES, *COMPACTOR_CASES)


def test_every_event_has_a_case() -> None:
    files = {path.stem for path in EVENTS.glob("*.json")} - {"env"}
    assert files == {case.event for case in ALL_CASES}


@pytest.mark.parametrize("case", ALL_CASES, ids=names_of)
def test_records_have_the_fields_of_awss(case: Any, models: dict[str, Any]) -> None:
    kind = case.event.split("-")[0]
    model = {record.get("eventName"): record for record in models[kind]}
    for record in read_event(case.event)["Records"]:
        name = record.get("eventName")
        like = model.get("REMOVE" if name == "EXPIRE" else name)  # the malformed record
        ours, theirs = shape(record, 2), shape(like, 2)
        if kind == "compactor":  # AWS's sample has no message attributes, which is no fault.
            ours["messageAttributes"], theirs["messageAttributes"] = {}, {}
        assert ours == theirs


@pytest.mark.parametrize("case", COMPACTOR_CASES, ids=names_of)
def test_bodies_fit_their_digests(case: CompactorCase) -> None:
    for record in read_event(case.event)["Records"]:
        digest = hashlib.md5(record["body"].encode(), usedforsecurity=False)
        assert record["md5OfBody"] == digest.hexdigest()


@pytest.mark.parametrize("case", COMPACTOR_CASES[:-1], ids=names_of)
def test_bodies_are_what_the_stream_processor_would_write_today(case: CompactorCase) -> None:
    for record in read_event(case.event)["Records"]:
        content = read_message(record["body"])
        assert not content.poison
        bodies = [to_body(change) for change in content.changes]
        if content.delta is not None:
            bodies = [to_body(content.delta)]
        assert record["body"] == (bodies[0] if len(bodies) == 1 else batch_body(bodies))


class Queues:
    """A publisher and a parking in memory."""

    def __init__(self) -> None:
        self.sent: list[OutgoingMessage] = []
        self.parked: list[str] = []

    def send(
        self, messages: Sequence[OutgoingMessage], deadline: Deadline
    ) -> list[OutgoingMessage]:
        self.sent += messages
        return []

    def park(self, record: StreamRecord, reason: str) -> None:
        self.parked.append(reason)


@pytest.mark.parametrize("case", STREAM_CASES, ids=names_of)
def test_the_stream_processor_queues_and_parks_what_the_case_says(case: StreamCase) -> None:
    queues, every = Queues(), frozenset(EntityType)
    processor = StreamProcessor(queues, queues, every, RecordingTelemetry())
    deadline = Deadline(InMemorySystem().clock, 10)
    outcome = processor.process(read_event(case.event)["Records"], deadline)
    assert outcome.failed_from is None
    assert changes_of([message.body for message in queues.sent]) == case.queued
    assert len(queues.parked) == case.parked


def changes_of(bodies: list[str]) -> frozenset[tuple[str, EntityKey]]:
    found = [change for body in bodies for change in read_message(body).changes]
    return frozenset((change.event_name, change.key) for change in found)


def test_the_compactor_publishes_and_parks_what_the_cases_say() -> None:
    system = InMemorySystem()
    put_deltas(system)
    for case in COMPACTOR_CASES:
        for key, item in case.writes.items():
            if item is None:
                del system.table.items[key]
            else:
                system.table.put(key, **item)
        before = len(system.dead_letters.parked)
        bodies = [record["body"] for record in read_event(case.event)["Records"]]
        report = system.handle(system.worker(), *bodies)
        assert report.returned == {}, case.event
        assert len(system.dead_letters.parked) - before == case.parked, case.event
        for key, expected in case.published.items():
            assert published(system, key, expected) == expected, case.event
    assert system.differences() == []


def put_deltas(system: InMemorySystem) -> None:
    for collection, delta_id in DELTA_IDS.items():
        keys = [key for key in RECORDS if key.collection is collection]
        vectors = np.ones((len(keys), 4), np.float32)
        ids, texts = tuple(k.chroma_id for k in keys), tuple(TABLE[k]["text"] for k in keys)
        content = encode(VectorBatch(delta_id, ids, vectors, texts))
        system.deltas.objects[delta_key(collection, delta_id)] = content


def published(system: InMemorySystem, key: EntityKey, expected: Any) -> Any:
    """Return the fields of a record that the case names, or None if there is no record."""
    collection = key.collection
    assert isinstance(collection, Collection)
    record = system.index(collection).records.get(key.chroma_id)
    return None if record is None else {name: record.metadata.get(name) for name in expected or ()}


def test_the_environment_file_sets_every_variable_of_the_functions() -> None:
    class Anything(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return name

    environment = json.loads((EVENTS / "env.json").read_text())
    functions = resources({"Environment": "local"}, Anything())
    for function, variables in environment.items():
        declared = functions[function]["Properties"]["Environment"]["Variables"]
        assert set(variables) == {*declared, "AWS_ENDPOINT_URL"}
        names = Names()
        texts = " ".join(variables.values())
        for name in (names.table, names.compaction_queue):
            assert name in texts
