"""Records which parts of the system a command reads and writes, from its calls to AWS."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from receipt_ops.terminal.command_table import EFFECTS
from receipt_ops.terminal.effects import Part

NOT_OF_THE_COMMAND = "traffic"
"""The name of a thread whose calls belong to the test, and not to a command."""
_READS = ("Get", "Describe", "List", "Scan", "Query", "Batch", "Head", "Receive", "Filter")
_IGNORED = {"ChangeMessageVisibilityBatch"}
"""Calls that return a received message to its queue. They have no lasting effect."""
_SETTINGS = {
    "DescribeTable", "GetQueueAttributes", "GetQueueUrl", "HeadBucket", "DescribeStream",
    "GetBucketLifecycleConfiguration",
}  # fmt: skip
_BY_SERVICE = {
    "lambda": Part.SETTINGS,
    "logs": Part.LOGS,
    "cloudwatch": Part.METRICS,
    "sns": Part.TOPIC,
    "dynamodbstreams": Part.STREAM,
}
_BY_PREFIX = {
    "snapshots/": Part.SNAPSHOTS,
    "deltas/": Part.DELTAS,
    "operations/": Part.NOTE,
}


@dataclass
class Calls:
    """The parts that were read and written, with the operations."""

    reads: set[tuple[Part, str]] = field(default_factory=set)
    writes: set[tuple[Part, str]] = field(default_factory=set)

    def undeclared(self, command: str) -> list[str]:
        """Return the effects of the command that its declaration does not name."""
        effects = EFFECTS[command]
        may_read = effects.reads | effects.writes
        return sorted(
            [f"reads {part}: {name}" for part, name in self.reads if part not in may_read]
            + [f"writes {part}: {name}" for part, name in self.writes if part not in effects.writes]
        )


@contextmanager
def recording(queue_url: str) -> Iterator[Calls]:
    """Record the block's calls to AWS. `queue_url` is the URL of the compaction queue."""
    calls, real = Calls(), vars(BaseClient)["_make_api_call"]

    def record(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
        part = _part_of(client.meta.service_model.service_name, operation, arguments, queue_url)
        if operation not in _IGNORED and threading.current_thread().name != NOT_OF_THE_COMMAND:
            is_read = operation.startswith(_READS) and operation != "BatchWriteItem"
            (calls.reads if is_read else calls.writes).add((part, operation))
        return real(client, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", record):
        yield calls


def _part_of(service: str, operation: str, arguments: dict[str, Any], queue_url: str) -> Part:
    if operation in _SETTINGS or operation.startswith("GetBucket"):
        return Part.SETTINGS
    if service == "dynamodb":
        key = arguments.get("Key") or arguments.get("Item", {}).get("PK")
        return Part.LEASES if "LOCK#" in str(key) else Part.TABLE
    if service == "sqs":
        return Part.QUEUE if arguments["QueueUrl"] == queue_url else Part.DEAD_LETTERS
    if service == "s3":
        name = str(arguments.get("Key") or arguments.get("Prefix") or _first_key(arguments))
        return next(part for prefix, part in _BY_PREFIX.items() if name.startswith(prefix))
    return _BY_SERVICE[service]


def _first_key(arguments: dict[str, Any]) -> str:
    return str(arguments["Delete"]["Objects"][0]["Key"])
