"""The compactor's function with a Chroma server as its target, and the operator's readers."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from compactor import handler
from local.stack import Stack
from receipt_index.server.reader import ServerReader
from receipt_ops.connection import Connection, Names
from receipt_ops.readers import snapshot_readers
from receipt_sync.keys import Collection
from receipt_sync.messages import delta_key
from receipt_sync.settings import ChromaSettings
from tests.functional.chroma_server import ChromaServer
from tests.support.fakes.system import InMemorySystem, line

LINES = Collection.LINES


@pytest.fixture
def cold(
    stack_environment: Stack,
    chroma: ChromaServer,
    chroma_settings: ChromaSettings,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stack]:
    """Yield a stack. The function has not read its settings for the server yet."""
    variables = {**chroma.environment, "CHROMA_DATABASE": chroma_settings.chroma_database}
    for name, value in variables.items():
        monkeypatch.setenv(name, str(value))
    _forget()
    yield stack_environment
    _forget()


def _forget() -> None:
    for cached in (handler._settings, handler._telemetry, handler._worker):
        cached.cache_clear()


def delta_of_one_line(stack: Stack) -> str:
    """Put an item into the table and its delta into the bucket. Return the delta's message."""
    clients, producer = stack.clients(), InMemorySystem()
    producer.table.put(line(1), text="FLAT WHITE")
    body = producer.delta_body([line(1)])
    item = {"PK": {"S": line(1).pk}, "SK": {"S": line(1).sk}, "text": {"S": "FLAT WHITE"}}
    clients.dynamodb.put_item(TableName=stack.names.table, Item=item)
    key = delta_key(LINES, json.loads(body)["delta_id"])
    data = producer.deltas.objects[key]
    clients.s3.put_object(Bucket=stack.names.bucket, Key=key, Body=data)
    return body


def invoke(body: str) -> dict[str, Any]:
    record = {"messageId": "1", "body": body, "receiptHandle": "h", "attributes": {}}
    context = SimpleNamespace(
        function_name="compactor",
        aws_request_id="r",
        get_remaining_time_in_millis=lambda: 60_000,
    )
    event = {"Records": [{**record, "eventSource": "aws:sqs"}]}
    return handler.lambda_handler(event, context)  # type: ignore[arg-type]


def test_the_function_writes_to_the_server_and_operators_read_from_it(cold: Stack) -> None:
    """Wiring, lease, version object, circuit and readers are real. Chroma Cloud is not."""
    assert invoke(delta_of_one_line(cold)) == {"batchItemFailures": []}
    clients = cold.clients()
    names = Names(cold.names.table, cold.queues.compaction.url, cold.names.bucket)
    connection = Connection(names, clients.dynamodb, clients.s3, clients.sqs)
    with snapshot_readers(connection, list(Collection)) as readers:
        lines, words = readers[LINES], readers[Collection.WORDS]
        assert isinstance(lines, ServerReader)
        assert lines.refresh()
        assert (lines.version, lines.count(), list(lines.ids())) == (1, 1, [line(1).chroma_id])
        assert not lines.refresh()
        assert not words.refresh()
        assert words.version == 0


def test_a_server_that_stays_down_opens_the_circuit_in_the_table(
    cold: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHROMA_PORT", "1")
    body = delta_of_one_line(cold)
    for _ in range(6):
        assert invoke(body) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    lock_id = cold.variables["COMPACTION_LOCK_ID"]
    key = {"PK": {"S": f"LOCK#{lock_id}-circuit"}, "SK": {"S": "chroma-server"}}
    item = cold.clients().dynamodb.get_item(TableName=cold.names.table, Key=key)["Item"]
    assert item["state"] == {"S": "OPEN"}
    assert item["failure_count"] == {"N": "5"}
    assert int(item["ttl"]["N"]) > 0
