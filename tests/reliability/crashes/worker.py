"""A worker in its own process: the real handler, and the part of the queue mapping."""

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import boto3

from compactor import handler
from tests.reliability.crashes import bugs, hooks
from tests.reliability.crashes.moments import Moment

BATCH: Final = 40
"""Messages of an invocation. A backlog has more, so that there is always another batch."""
_SECONDS: Final = 20
_PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True)
class Order:
    """The options of a worker. It announces the moment after it passed it `skipped` times."""

    environment: Mapping[str, str]
    log: Path
    moment: Moment | None = None
    skipped: int = 0
    bug: str | None = None


def work(pipe: Connection, order: Order) -> None:
    """Handle batches until the other end of the pipe sends a message or closes."""
    _die_with_parent()
    _log_to(order.log)
    os.environ.update(order.environment)
    if order.moment is not None:
        hooks.install(order.moment, hooks.Once(lambda: _announce(pipe), order.skipped))
    acknowledge_first = bugs.plant(order.bug)
    sqs, url = boto3.client("sqs"), order.environment["COMPACTION_QUEUE_URL"]
    with contextlib.suppress(EOFError, BrokenPipeError):
        while not pipe.poll():
            _batch(pipe, sqs, url, acknowledge_first=acknowledge_first)


def _batch(pipe: Connection, sqs: Any, url: str, *, acknowledge_first: bool) -> None:
    records = _receive(sqs, url)
    if not records:
        return
    pipe.send(("begun", max(_receives(record) for record in records)))
    if acknowledge_first:
        _delete(sqs, url, records)
    context: Any = SimpleNamespace(
        aws_request_id="kills", get_remaining_time_in_millis=lambda: _SECONDS * 1000
    )
    answer = handler.lambda_handler({"Records": records}, context)
    returned = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    if not acknowledge_first:
        _delete(sqs, url, [each for each in records if each["messageId"] not in returned])
    pipe.send(("handled", len(records), len(returned)))


def _announce(pipe: Connection) -> None:
    pipe.send(("reached",))
    pipe.recv()


def _receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Receive up to a batch of messages, in the form that Lambda passes to a function."""
    found: list[dict[str, Any]] = []
    while len(found) < BATCH:
        got = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=0 if found else 1,
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        found += [
            {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message.get("Attributes", {}),
                "eventSource": "aws:sqs",
            }
            for message in got
        ]
        if len(got) < 10:
            break
    return found


def _receives(record: dict[str, Any]) -> int:
    """Return the number of receives of a message, including this one."""
    return int(record["attributes"].get("ApproximateReceiveCount", 0))


def _delete(sqs: Any, url: str, records: list[dict[str, Any]]) -> None:
    for start in range(0, len(records), 10):
        entries = [
            {"Id": str(number), "ReceiptHandle": record["receiptHandle"]}
            for number, record in enumerate(records[start : start + 10])
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)


def _log_to(path: Path) -> None:
    """Write the output to the file. It replaces the function's log."""
    descriptor = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    sys.stdout.flush()
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)


def _die_with_parent() -> None:
    """End this process if the campaign is killed, so that no stopped process is left (Linux)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
