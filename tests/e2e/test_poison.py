"""Poison goes to a dead-letter queue with its reason, and the compactor applies the rest."""

import json
import time
from typing import Any

import numpy as np
import pytest
from ulid import ULID

from receipt_index.deltas import VectorBatch, encode
from receipt_ops.loading.embedding import DIMENSION, embed
from receipt_ops.loading.items import Entity
from receipt_ops.readers import snapshot_readers
from receipt_sync.fields import EMBEDDED
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, to_body
from tests.e2e.conftest import DEADLINE_SECONDS, System

GOOD = EntityKey("poison-test", 1, 1)
TEXT = "GOOD LINE 1.00"


@pytest.fixture(scope="module", autouse=True)
def loaded(system: System) -> None:
    assert system.command("load", "--synthetic", "2", "--seed", "3").code == 0
    system.settled()


def delta(system: System, key: EntityKey, vector: np.ndarray, *, stored: bool = True) -> str:
    collection = key.collection
    assert collection is not None
    message = Delta.of(collection, str(ULID()), 1)
    batch = VectorBatch(message.delta_id, (key.chroma_id,), vector.reshape(1, -1), (TEXT,))
    if stored:
        bucket = system.connection.names.bucket
        content = encode(batch)
        system.connection.s3.put_object(Bucket=bucket, Key=message.delta_key, Body=content)
    return to_body(message)


def malformed_key() -> str:
    entity = {"entity_type": "RECEIPT_LINE", "image_id": "a#b", "receipt_id": 1, "line_id": 1}
    change = {
        "source": "dynamodb_stream",
        "schema": 1,
        "entity_type": "RECEIPT_LINE",
        "entity_data": entity,
        "changes": {"text": {"old": "a", "new": "b"}},
        "event_name": "MODIFY",
        "timestamp": "2026-01-01T00:00:00Z",
        "stream_record_id": "1",
        "sequence_number": "1",
        "aws_region": "us-east-1",
    }
    return json.dumps(change)


def dead_letters(system: System, queue_url: str, expected: int) -> dict[str, str]:
    """Wait for `expected` dead letters, and return bodies and reasons. Fail at the deadline."""
    found: dict[str, str] = {}
    end = time.monotonic() + DEADLINE_SECONDS
    while len(found) < expected:
        assert time.monotonic() < end, f"{len(found)} of {expected} dead letters came: {found}"
        got: Any = system.connection.sqs.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            WaitTimeSeconds=1,
        )
        for message in got.get("Messages", []):
            found[message["Body"]] = message["MessageAttributes"]["reason"]["StringValue"]
    return found


def test_poison_of_every_kind_is_parked_with_its_reason_and_the_good_delta_applied(
    system: System,
) -> None:
    vector = embed([TEXT])[0]
    system.writer.put(
        [Entity(GOOD, {"text": TEXT, "embedding_status": EMBEDDED, "is_noise": False})]
    )
    poison = {
        "not json": "not JSON",
        '{"source": "weather_report"}': "source 'weather_report'",
        malformed_key(): "image_id",
        delta(system, GOOD, np.ones(DIMENSION + 1, np.float32)): "dimensions",
        delta(system, GOOD, vector, stored=False): "there is no object",
    }
    bodies = [*poison, delta(system, GOOD, vector)]
    answer = system.connection.sqs.send_message_batch(
        QueueUrl=system.connection.names.compaction_queue_url,
        Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies)],
    )
    assert len(answer["Successful"]) == len(bodies)
    reasons = dead_letters(system, system.stack.queues.compaction_dlq.url, len(poison))
    assert set(reasons) == set(poison)
    for body, reason in poison.items():
        assert reason in reasons[body]
    assert system.settled()["missing"] == 0
    with snapshot_readers(system.connection, [Collection.LINES]) as readers:
        readers[Collection.LINES].refresh()
        assert readers[Collection.LINES].get([GOOD.chroma_id])


def test_a_malformed_key_in_the_table_is_parked_by_the_stream_processor_and_the_shard_goes_on(
    system: System,
) -> None:
    bad = {"PK": {"S": "IMAGE#poison-test"}, "SK": {"S": "RECEIPT#00001#LINE#x"}}
    table = system.connection.names.table
    system.connection.dynamodb.put_item(TableName=table, Item=bad)
    edited = {"text": "EDITED 2.00", "is_noise": False}
    system.writer.put([Entity(GOOD, edited)])
    vector = delta(system, GOOD, embed(["EDITED 2.00"])[0])
    system.connection.sqs.send_message(
        QueueUrl=system.connection.names.compaction_queue_url, MessageBody=vector
    )
    system.writer.put([Entity(GOOD, {**edited, "embedding_status": EMBEDDED})])
    reasons = dead_letters(system, system.stack.queues.stream_dlq.url, 1)
    assert "five digits" in next(iter(reasons.values()))
    assert system.settled()["missing"] == 0
