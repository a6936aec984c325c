"""Functions that record their events, and the helpers of tests that deploy them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.stack import Stack
from local.state import PROJECT
from tests.support.function_logs import function_log

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
    sources = {
        "stream_processor": FORWARDER,
        "compactor": recorder,
        "receipt_sync": "",
        "receipt_functions": "",
        "receipt_index": "",
    }
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
    """Return the events that reached the second function through table, stream and queue."""
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
