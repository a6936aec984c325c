"""The local AWS itself: `python -m local` and the Python interface below it.

The functions are small recorders here: what matters is what reaches them.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from ulid import ULID

from compactor.deltas import VectorBatch, encode
from local import ministack
from local.clients import Clients
from local.errors import EndpointError, NotRunningError, StartError, StateFolderError
from local.filters import filter_criteria
from local.logs import function_log
from local.mappings import mappings_of
from local.names import Names, Options
from local.packages import package
from local.parameters import parameters_of
from local.running import Request, down, running, up
from local.stack import Stack, load
from local.state import PROJECT, State
from local.status import status_of
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, to_body

FORWARDER = """
import json, os, boto3
sqs = boto3.client("sqs")

def lambda_handler(event, context):
    failed = []
    for record in event["Records"]:
        sort_key = record["dynamodb"]["Keys"]["SK"]["S"]
        until = record["dynamodb"].get("NewImage", {}).get("until")
        if until and not os.path.exists(until["S"]):
            failed = [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]
            break
        body = {"event": record["eventName"], "key": sort_key}
        sqs.send_message(QueueUrl=os.environ["COMPACTION_QUEUE_URL"], MessageBody=json.dumps(body))
    print(json.dumps({"keys": [r["dynamodb"]["Keys"]["SK"]["S"] for r in event["Records"]]}))
    return {"batchItemFailures": failed}
"""
RECORDER = """
import json, time

VERSION = 1

def lambda_handler(event, context):
    if "sleep" in event:
        open(event["touch"], "w").close()
        time.sleep(event["sleep"])
    bodies = [json.loads(record["body"]) for record in event.get("Records", [])]
    print(json.dumps({"version": VERSION, "bodies": bodies}))
    return {"version": VERSION}
"""


def write_sources(folder: Path, recorder: str = RECORDER) -> Path:
    sources = {"stream_processor": FORWARDER, "compactor": recorder, "receipt_sync": ""}
    for name, handler in sources.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "__init__.py").touch()
        (folder / name / "handler.py").write_text(handler)
    return folder


def put(stack: Stack, pk: str, sk: str, **attributes: Any) -> None:
    item = {"PK": {"S": pk}, "SK": {"S": sk}, **attributes}
    stack.clients().dynamodb.put_item(TableName=stack.names.table, Item=item)


def remove(stack: Stack, pk: str, sk: str) -> None:
    key = {"PK": {"S": pk}, "SK": {"S": sk}}
    stack.clients().dynamodb.delete_item(TableName=stack.names.table, Key=key)


def printed(stack: Stack, function: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in function_log(stack, function) if line.startswith("{")]


def received(stack: Stack) -> list[tuple[str, str]]:
    """What arrived at the end of table → stream → function → queue → function."""
    return [
        (body["event"], body["key"])
        for entry in printed(stack, stack.names.compactor)
        for body in entry["bodies"]
    ]


def eventually(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds:g} s: {what}"
        time.sleep(0.1)


def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "local", *arguments],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def invoke(stack: Stack, payload: dict[str, Any]) -> Any:
    client = stack.clients().lambda_
    answer = client.invoke(FunctionName=stack.names.compactor, Payload=json.dumps(payload))
    return json.loads(answer["Payload"].read())


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> State:
    return State.at(tmp_path_factory.mktemp("recorders") / "state")


@pytest.fixture(scope="module")
def recorders(state: State) -> Iterator[Stack]:
    """A local AWS whose functions are the recorders above."""
    request = Request(sources=write_sources(state.path.parent / "src"))
    with running(state.path, request=request) as stack:
        yield stack


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[State]:
    """A state folder with a MiniStack that holds nothing yet."""
    state = State.at(tmp_path / "state")
    with state.locked():
        ministack.start(state, tied=True)
    yield state
    down(state)


def test_a_write_passes_table_stream_function_queue_and_function(recorders: Stack):
    put(recorders, "IMAGE#flow", "RECEIPT#00001#LINE#00001")
    wanted = ("INSERT", "RECEIPT#00001#LINE#00001")
    eventually(lambda: wanted in received(recorders), "the write reaches the second function")


def test_only_records_with_the_shape_of_ours_cost_an_invocation(recorders: Stack):
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
        "RECEIPT#00007#LINE#00004": label,  # one of ours that calls itself a label
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
    # The stream is in order, the queue is not: any of them may be the last to come out of it.
    eventually(lambda: set(expected) <= set(arrived()), "all that passes arrives")
    assert sorted(arrived()) == expected
    keys = [
        key
        for entry in printed(recorders, recorders.names.stream_processor)
        for key in entry["keys"]
    ]
    assert "LINE#00001" not in keys


def test_a_queue_mapping_fills_its_batch(recorders: Stack):
    """MiniStack alone would hand out ten at a time."""
    clients, names = recorders.clients(), recorders.names
    mapping = mappings_of(clients, names.compactor)[0]["UUID"]
    clients.lambda_.update_event_source_mapping(UUID=mapping, Enabled=False)
    queue = recorders.queues.compaction.url
    for first in range(0, 30, 10):
        entries = [
            {"Id": str(n), "MessageBody": json.dumps({"event": "batch", "key": str(n)})}
            for n in range(first, first + 10)
        ]
        clients.sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    clients.lambda_.update_event_source_mapping(UUID=mapping, Enabled=True)
    eventually(
        lambda: 30 in [len(entry["bodies"]) for entry in printed(recorders, names.compactor)],
        "all thirty come at once",
    )


def test_the_filters_for_aws_keep_to_what_aws_can_evaluate():
    filters = filter_criteria()["Filters"]
    assert len(filters) <= 5, "AWS takes five filters a mapping"
    for pattern in (json.loads(entry["Pattern"]) for entry in filters):
        assert set(pattern) == {"dynamodb"}, "AWS filters DynamoDB records on this key alone"
        for node, value in leaves(pattern):
            if value == [{"exists": False}]:
                assert node in ("S", "N"), "AWS looks for `exists` at leaves alone"


def leaves(node: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield name, value


def test_a_batch_that_reports_failures_is_not_passed_over(tmp_path: Path):
    request = Request(sources=write_sources(tmp_path / "src"))
    with running(tmp_path / "state", request=request) as stack:
        failing, behind = "RECEIPT#00008#LINE#99999", "RECEIPT#00008#LINE#00001"
        mended = tmp_path / "mended"
        put(stack, "IMAGE#b", failing, until={"S": str(mended)})
        tries = partial(_tries_of, stack, failing)
        eventually(lambda: tries() >= 2, "the failed record is tried again")
        put(stack, "IMAGE#b", behind)
        before = tries()
        eventually(lambda: tries() >= before + 2, "it is tried again with a record behind it")
        assert received(stack) == []
        mended.touch()
        wanted = [("INSERT", behind), ("INSERT", failing)]
        eventually(lambda: sorted(received(stack)) == wanted, "both arrive, once each")


def _tries_of(stack: Stack, sort_key: str) -> int:
    """How often the stream's function was given a record."""
    batches = printed(stack, stack.names.stream_processor)
    return sum(sort_key in batch["keys"] for batch in batches)


def test_down_leaves_no_process_and_no_file_though_a_function_is_busy(tmp_path: Path):
    sources, busy = write_sources(tmp_path / "src"), tmp_path / "busy"
    state = State.at(tmp_path / "state")
    stack = up(state, Request(sources=sources, tied=True))
    server = ministack.find(state)
    assert server is not None
    stack.clients().lambda_.invoke(
        FunctionName=stack.names.compactor,
        InvocationType="Event",
        Payload=json.dumps({"sleep": 60, "touch": str(busy)}),
    )
    eventually(busy.exists, "the function begins")
    members = [process.pid for process in server.group.members()]
    assert len(members) >= 2, "the server and a worker"
    assert down(state) == len(members)
    assert not any(map(psutil.pid_exists, members))
    assert not state.path.exists()


def test_a_second_up_finds_the_first_keeps_its_data_and_deploys_the_present_code(
    recorders: Stack, state: State
):
    before = ministack.find(state)
    put(recorders, "IMAGE#kept", "RECEIPT#00002#METADATA")
    assert invoke(recorders, {}) == {"version": 1}
    sources = write_sources(
        state.path.parent / "src", RECORDER.replace("VERSION = 1", "VERSION = 2")
    )
    again = up(state, Request(sources=sources))
    assert ministack.find(state) == before
    assert again == recorders == load(state.path)
    assert invoke(again, {}) == {"version": 2}
    key = {"PK": {"S": "IMAGE#kept"}, "SK": {"S": "RECEIPT#00002#METADATA"}}
    assert "Item" in again.clients().dynamodb.get_item(TableName=again.names.table, Key=key)
    functions = again.clients().lambda_
    assert len(functions.list_event_source_mappings()["EventSourceMappings"]) == 2


def test_a_server_that_died_is_replaced(bare: State):
    dead = ministack.find(bare)
    assert dead is not None
    os.kill(dead.pid, signal.SIGKILL)
    eventually(lambda: ministack.find(bare) is None, "the server is gone")
    stack = up(bare, Request(functions=False, tied=True))
    assert stack.endpoint != dead.endpoint
    assert status_of(bare).pid == ministack.find(bare).pid  # type: ignore[union-attr]


def test_the_server_ends_with_the_process_that_it_is_tied_to(tmp_path: Path):
    folder = tmp_path / "state"
    script = (
        "import time; from pathlib import Path; from local.running import running\n"
        f"with running(Path({str(folder)!r}), deploy=False):\n"
        "    print('up', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"up\n"
        server = ministack.recorded(State.at(folder))
        owner.kill()
    assert server is not None
    eventually(lambda: not server.group.members(), "the server ends too")


def test_a_process_that_is_not_ours_is_never_ended(tmp_path: Path):
    state = State.at(tmp_path / "state")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        with state.locked():
            began = psutil.Process(other.pid).create_time()
            record = {"pid": other.pid, "began": began, "port": 1}
            state.server.write_text(json.dumps(record))
        assert down(state) == 0
        assert other.poll() is None
        other.kill()


def test_the_real_functions_need_no_more_than_their_roles_allow(tmp_path: Path):
    key = EntityKey("image", 1, 1)
    request = Request(enforce_iam=True)
    with running(tmp_path / "state", request=request) as stack:
        allow_what_ministack_misnames(stack)
        put(stack, key.pk, key.sk, text={"S": "TOTAL"}, embedding_status={"S": "SUCCESS"})
        put(stack, key.pk, "RECEIPT#00001#LINE#x")
        send_vector(stack, key, "TOTAL")
        store = stack.clients().s3

        def published() -> list[str]:
            objects = store.list_objects_v2(Bucket=stack.names.bucket, Prefix="snapshots/")
            return [entry["Key"] for entry in objects.get("Contents", [])]

        manifest = "snapshots/receipt_lines/manifest.json"
        eventually(lambda: manifest in published(), "the compactor publishes", seconds=60)
        eventually(lambda: waiting(stack, stack.queues.stream_dlq.url) == 1, "the key is parked")
        eventually(lambda: waiting(stack, stack.queues.compaction.url) == 0, "all is acknowledged")
        assert waiting(stack, stack.queues.compaction_dlq.url) == 0


def allow_what_ministack_misnames(stack: Stack) -> None:
    """MiniStack asks for actions that IAM does not know: on AWS, SendMessage covers batches."""
    actions = ["sqs:SendMessageBatch", "sqs:DeleteMessageBatch"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}],
    }
    for role in (stack.names.stream_processor, stack.names.compactor):
        stack.clients().iam.put_role_policy(
            RoleName=role, PolicyName="batches", PolicyDocument=json.dumps(policy)
        )


def send_vector(stack: Stack, key: EntityKey, text: str) -> None:
    delta = Delta.of(Collection.LINES, str(ULID()), 1)
    batch = VectorBatch(delta.delta_id, (key.chroma_id,), np.ones((1, 8), np.float32), (text,))
    stack.clients().s3.put_object(
        Bucket=stack.names.bucket, Key=delta.delta_key, Body=encode(batch)
    )
    stack.clients().sqs.send_message(
        QueueUrl=stack.queues.compaction.url, MessageBody=to_body(delta)
    )


def waiting(stack: Stack, queue_url: str) -> int:
    """Messages in a queue, held by a consumer or not."""
    counts = stack.clients().sqs.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )
    return sum(map(int, counts["Attributes"].values()))


def test_what_holds_data_is_provisioned_as_it_is_on_aws(stack: Stack):
    clients, names = stack.clients(), stack.names
    table = clients.dynamodb.describe_table(TableName=names.table)["Table"]
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["SSEDescription"]["KMSMasterKeyArn"] == stack.keys.table
    assert table["GlobalSecondaryIndexes"][0]["IndexName"] == "GSI1"
    ttl = clients.dynamodb.describe_time_to_live(TableName=names.table)
    assert ttl["TimeToLiveDescription"]["AttributeName"] == "ttl"
    backups = clients.dynamodb.describe_continuous_backups(TableName=names.table)
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"
    assert clients.s3.get_bucket_versioning(Bucket=names.bucket)["Status"] == "Enabled"
    public = clients.s3.get_public_access_block(Bucket=names.bucket)
    assert all(public["PublicAccessBlockConfiguration"].values())


def test_what_fails_five_times_goes_to_the_dead_letter_queue(new_stack):
    stack = new_stack(visibility_timeout=1, max_receive_count=1)
    sqs, queues = stack.clients().sqs, stack.queues
    sqs.send_message(QueueUrl=queues.compaction.url, MessageBody="poison")
    receive = {"QueueUrl": queues.compaction.url, "WaitTimeSeconds": 2}
    assert sqs.receive_message(**receive)["Messages"]
    assert "Messages" not in sqs.receive_message(**receive)
    parked = sqs.receive_message(QueueUrl=queues.compaction_dlq.url, WaitTimeSeconds=2)
    assert [message["Body"] for message in parked["Messages"]] == ["poison"]


def test_parameters_hand_over_what_the_functions_are_deployed_with(new_stack):
    stack = new_stack()
    path = stack.names.parameters
    pages = stack.clients().ssm.get_paginator("get_parameters_by_path")
    found = {
        parameter["Name"].removeprefix(f"{path}/"): parameter["Value"]
        for page in pages.paginate(Path=path)
        for parameter in page["Parameters"]
    }
    assert found == parameters_of(stack)
    assert found["stream-arn"] == stack.table.stream_arn


def test_an_aws_that_already_runs_is_used_and_cleared_up(bare: State, tmp_path: Path):
    server = ministack.find(bare)
    assert server is not None
    state, clients = State.at(tmp_path / "elsewhere"), Clients(server.endpoint)
    request = Request(endpoint=server.endpoint, sources=write_sources(tmp_path / "src"))
    stack = up(state, request)
    assert not state.server.exists(), "nothing was started"
    for body in (b"1", b"2"):
        clients.s3.put_object(Bucket=stack.names.bucket, Key="snapshot", Body=body)
    assert down(state) == 0
    assert ministack.find(bare) == server, "what was found running runs on"
    assert clients.dynamodb.list_tables()["TableNames"] == []
    assert clients.sqs.list_queues().get("QueueUrls", []) == []
    assert clients.s3.list_buckets()["Buckets"] == []
    assert clients.lambda_.list_functions()["Functions"] == []
    assert clients.lambda_.list_event_source_mappings()["EventSourceMappings"] == []
    assert clients.iam.list_roles()["Roles"] == []
    assert clients.ssm.describe_parameters()["Parameters"] == []
    assert clients.kms.list_aliases()["Aliases"] == []
    assert clients.logs.describe_log_groups()["logGroups"] == []


def test_the_endpoint_of_the_environment_may_be_our_own(recorders: Stack, state: State):
    endpoint = recorders.endpoint.replace("127.0.0.1", "localhost")
    again = up(state, Request(endpoint=endpoint, functions=False))
    assert again.endpoint == recorders.endpoint


def test_another_endpoint_is_not_mixed_with_a_running_one(recorders: Stack, state: State):
    with pytest.raises(StateFolderError, match="run `down` first"):
        up(state, Request(endpoint="http://127.0.0.1:9"))


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ("http://127.0.0.1:9", "nothing answers"),
        ("https://dynamodb.us-east-1.amazonaws.com", "the real AWS"),
        ("127.0.0.1:4566", "http://host:port"),
    ],
)
def test_an_endpoint_that_can_not_be_used_is_refused(endpoint: str, words: str, tmp_path: Path):
    with pytest.raises(EndpointError, match=words):
        up(State.at(tmp_path / "state"), Request(endpoint=endpoint))


def test_clients_ignore_the_endpoint_of_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    clients = Clients("http://127.0.0.1:4566/")
    assert clients.s3.meta.endpoint_url == "http://127.0.0.1:4566"
    assert clients.sqs.meta.endpoint_url == "http://127.0.0.1:4566"


def test_a_port_in_use_is_told_with_the_end_of_the_log(tmp_path: Path):
    state = State.at(tmp_path / "state")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match="already in use"):
            up(state, Request(port=port))
    down(state)
    assert not state.path.exists()


def test_a_folder_with_other_files_is_neither_used_nor_removed(tmp_path: Path):
    (tmp_path / "thesis.txt").write_text("two years of work")
    with pytest.raises(StateFolderError, match="holds something else"):
        up(State.at(tmp_path))
    assert down(State.at(tmp_path)) == 0
    assert (tmp_path / "thesis.txt").exists()


def test_two_commands_do_not_work_on_one_folder_at_once(tmp_path: Path):
    state = State.at(tmp_path / "state")
    with state.locked(), pytest.raises(StateFolderError, match="another command"):
        up(State.at(tmp_path / "state"))


def test_no_stack_is_an_error_that_says_what_to_run(tmp_path: Path):
    with pytest.raises(NotRunningError, match="python -m local up"):
        load(tmp_path)


def test_the_command_line_ends_in_one_sentence_and_exit_code_2(tmp_path: Path):
    done = command("status", "--state", str(tmp_path / "none"))
    assert done.returncode == 2
    assert done.stderr.startswith("local: no local AWS was started")
    assert "Traceback" not in done.stderr
    done = command("up", "--state", str(tmp_path / "s"), AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert done.returncode == 2
    assert "nothing answers at AWS_ENDPOINT_URL" in done.stderr


def test_status_and_env_describe_the_running_stack(recorders: Stack, state: State):
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


def test_up_and_down_say_what_they_do(tmp_path: Path):
    folder, sources = str(tmp_path / "state"), str(write_sources(tmp_path / "src"))
    done = command("up", "--state", folder, "--sources", sources, "--function-timeout", "5")
    try:
        assert done.returncode == 0, done.stderr
        stack = load(tmp_path / "state")
        assert f"up at {stack.endpoint}" in done.stdout
        got = stack.clients().sqs.get_queue_attributes(
            QueueUrl=stack.queues.compaction.url, AttributeNames=["VisibilityTimeout"]
        )
        assert got["Attributes"] == {"VisibilityTimeout": "30"}
    finally:
        done = command("down", "--state", folder)
    assert "processes ended: 1" in done.stdout
    assert not (tmp_path / "state").exists()


def test_nothing_of_the_callers_environment_reaches_the_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "secret")
    monkeypatch.setenv("LOG_LEVEL", "DEBUG")
    with running(tmp_path / "state", deploy=False):
        server = ministack.find(State.at(tmp_path / "state"))
        assert server is not None
        inherited = psutil.Process(server.pid).environ()
    assert not {"AWS_ROLE_ARN", "AWS_SESSION_TOKEN", "LOG_LEVEL"} & set(inherited)
    assert inherited["AWS_ACCESS_KEY_ID"] == "test"


def test_a_package_is_the_same_bytes_for_the_same_sources(tmp_path: Path):
    sources = write_sources(tmp_path / "one")
    first = package(sources, "compactor")
    copied = Path(shutil.copytree(sources, tmp_path / "two", copy_function=shutil.copyfile))
    (copied / "compactor" / "__pycache__").mkdir()
    (copied / "compactor" / "__pycache__" / "handler.pyc").write_bytes(b"compiled")
    assert package(copied, "compactor") == first
    (copied / "compactor" / "handler.py").write_text("changed = True")
    assert package(copied, "compactor") != first


def test_options_name_the_least_visibility_timeout():
    assert Options(function_timeout=30).visibility_rule == 180 == Options().visibility_timeout


def test_names_of_two_environments_differ():
    one, other = Names("a"), Names("b")
    for name in ("table", "bucket", "compaction_queue", "stream_dlq", "compactor", "lock_id"):
        assert getattr(one, name) != getattr(other, name)
