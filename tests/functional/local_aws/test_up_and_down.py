"""The local AWS with recording functions: which events reach them, and what a second `up` keeps."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

from local.endpoint import Request
from local.errors import StateFolderError
from local.ministack import process
from local.quick.mappings import mappings_of
from local.running import running, up
from local.stack import Stack, load
from local.state import State
from tests.functional.local_aws.recorder_functions import (
    RECORDER,
    command,
    eventually,
    invoke,
    printed,
    put,
    received,
    remove,
    write_sources,
)


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    return State.at(tmp_path_factory.mktemp("recorders") / "state")


@pytest.fixture(scope="module")
def recorders(state: State) -> Iterator[Stack]:
    """Yield a local AWS with the recording functions."""
    request = Request(sources=write_sources(state.path.parent / "src"))
    with running(state.path, request=request) as stack:
        yield stack


def test_a_write_passes_table_stream_function_queue_and_function(recorders: Stack) -> None:
    put(recorders, "IMAGE#flow", "RECEIPT#00001#LINE#00001")
    wanted = ("INSERT", "RECEIPT#00001#LINE#00001")
    eventually(lambda: wanted in received(recorders), "the write reaches the second function")


def test_only_records_with_the_shape_of_ours_cost_an_invocation(recorders: Stack) -> None:
    label = {"TYPE": {"S": "RECEIPT_WORD_LABEL"}}
    put(recorders, "IMAGE#f", "RECEIPT#00007#LINE#00001#WORD#00001#LABEL#TOTAL", **label)
    put(recorders, "LOCK#main-lines", "LOCK", TYPE={"S": "COMPACTION_LOCK"})
    put(recorders, "IMAGE#f", "LINE#00001", TYPE={"S": "LINE"})
    put(recorders, "USER#f", "RECEIPT#00007#METADATA")
    passing = {
        "RECEIPT#00007#METADATA": {"TYPE": {"S": "RECEIPT_METADATA"}},
        "RECEIPT#00007#LINE#00001": {"TYPE": {"S": "RECEIPT_LINE"}},
        "RECEIPT#00007#LINE#00002": {},
        "RECEIPT#00007#LINE#00003": {"TYPE": {"N": "1"}},
        "RECEIPT#00007#LINE#00004": label,  # a receipt entity whose TYPE says label
        "RECEIPT#00007#LINE#x": {},
        "RECEIPT#00007#LINE#y": {"TYPE": {"S": "RECEIPT_LINE"}},
    }
    for sort_key, attributes in passing.items():
        put(recorders, "IMAGE#f", sort_key, **attributes)
    remove(recorders, "IMAGE#f", "RECEIPT#00007#LINE#00001")
    remove(recorders, "IMAGE#f", "RECEIPT#00007#LINE#00002")
    put(recorders, "IMAGE#f", "RECEIPT#00007#LINE#00009")

    def arrived() -> list[tuple[str, str]]:
        return [got for got in received(recorders) if "#00007#" in got[1] or "LOCK" in got[1]]

    expected = sorted(
        [
            *(("INSERT", sort_key) for sort_key in passing),
            ("INSERT", "RECEIPT#00007#LINE#00009"),
            ("REMOVE", "RECEIPT#00007#LINE#00001"),
            ("REMOVE", "RECEIPT#00007#LINE#00002"),
        ]
    )
    # The queue does not keep the order of the stream, so any message may arrive last.
    eventually(lambda: set(expected) <= set(arrived()), "all that passes arrives")
    assert sorted(arrived()) == expected
    keys = [
        key
        for entry in printed(recorders, recorders.names.stream_processor)
        for key in entry["keys"]
    ]
    assert "LINE#00001" not in keys


def test_a_queue_mapping_fills_its_batch(recorders: Stack) -> None:
    """MiniStack without its corrections gives a function ten messages at most."""
    clients, names = recorders.clients(), recorders.names
    mapping = mappings_of(clients, names.compactor)[0]["UUID"]
    clients.lambda_.update_event_source_mapping(UUID=mapping, Enabled=False)
    queue = recorders.queues.compaction.url
    for first in range(0, 30, 10):
        entries: list[SendMessageBatchRequestEntryTypeDef] = [
            {"Id": str(n), "MessageBody": json.dumps({"event": "batch", "key": str(n)})}
            for n in range(first, first + 10)
        ]
        clients.sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    clients.lambda_.update_event_source_mapping(UUID=mapping, Enabled=True)
    eventually(
        lambda: 30 in [len(entry["bodies"]) for entry in printed(recorders, names.compactor)],
        "all thirty come at once",
    )


def test_a_batch_that_reports_failures_is_not_passed_over(tmp_path: Path) -> None:
    request = Request(sources=write_sources(tmp_path / "src"))
    with running(tmp_path / "state", request=request) as stack:
        failing, behind = "RECEIPT#00008#LINE#99999", "RECEIPT#00008#LINE#00001"
        repaired = tmp_path / "repaired"
        put(stack, "IMAGE#b", failing, until={"S": str(repaired)})
        tries = partial(_tries_of, stack, failing)
        eventually(lambda: tries() >= 2, "the failed record is tried again")
        put(stack, "IMAGE#b", behind)
        before = tries()
        eventually(lambda: tries() >= before + 2, "it is tried again with a record behind it")
        assert received(stack) == []
        repaired.touch()
        wanted = [("INSERT", behind), ("INSERT", failing)]
        eventually(lambda: sorted(received(stack)) == wanted, "both arrive, once each")


def _tries_of(stack: Stack, sort_key: str) -> int:
    """Return how many invocations of the stream's function contained a record."""
    batches = printed(stack, stack.names.stream_processor)
    return sum(sort_key in batch["keys"] for batch in batches)


def test_a_second_up_finds_the_first_keeps_its_data_and_deploys_the_present_code(
    recorders: Stack, state: State
) -> None:
    before = process.find(state)
    put(recorders, "IMAGE#kept", "RECEIPT#00002#METADATA")
    assert invoke(recorders, {}) == {"version": 1}
    sources = write_sources(
        state.path.parent / "src", RECORDER.replace("VERSION = 1", "VERSION = 2")
    )
    again = up(state, Request(sources=sources))
    assert process.find(state) == before
    assert again == recorders == load(state.path)
    assert invoke(again, {}) == {"version": 2}
    key = {"PK": {"S": "IMAGE#kept"}, "SK": {"S": "RECEIPT#00002#METADATA"}}
    assert "Item" in again.clients().dynamodb.get_item(TableName=again.names.table, Key=key)
    functions = again.clients().lambda_
    assert len(functions.list_event_source_mappings()["EventSourceMappings"]) == 2


def test_the_endpoint_of_the_environment_may_be_our_own(recorders: Stack, state: State) -> None:
    endpoint = recorders.endpoint.replace("127.0.0.1", "localhost")
    again = up(state, Request(endpoint=endpoint, functions=False))
    assert again.endpoint == recorders.endpoint


def test_another_endpoint_is_not_mixed_with_a_running_one(recorders: Stack, state: State) -> None:
    with pytest.raises(StateFolderError, match="run `down` first"):
        up(state, Request(endpoint="http://127.0.0.1:9"))


def test_status_and_env_describe_the_running_stack(recorders: Stack, state: State) -> None:
    done = command("status", "--json", "--state", str(state.path))
    status = json.loads(done.stdout)
    assert status["endpoint"] == recorders.endpoint
    assert [queue["name"] for queue in status["queues"]] == [
        recorders.names.compaction_queue,
        recorders.names.compaction_dlq,
        recorders.names.stream_dlq,
    ]
    assert {function["mapping"] for function in status["functions"]} == {"Enabled"}
    assert recorders.names.compactor in command("status", "--state", str(state.path)).stdout
    lines = command("env", "--state", str(state.path)).stdout.splitlines()
    exported = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    assert exported == recorders.variables
    assert json.loads(state.stack.read_text())["environment"] == recorders.variables
