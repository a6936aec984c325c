"""Names the AWS call of an HTTP request."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

_READS: Final = frozenset(
    {"BatchGetItem", "GetItem", "Query", "Scan", "GetObject", "HeadObject", "ReceiveMessage"}
)
_S3: Final = {"GET": "GetObject", "HEAD": "HeadObject", "PUT": "PutObject", "POST": "DeleteObjects"}
_KINDS: Final = {"blocks": "block", "packs": "pack", "retired": "list", "manifest.json": "manifest"}
_QUEUES: Final = {
    "chromadb-delta-queue": "compaction queue",
    "chromadb-delta-dlq": "dead letters of the compactor",
    "chromadb-stream-dlq": "dead letters of the stream",
}


class Call(NamedTuple):
    """An AWS call: its operation and its subject."""

    operation: str
    about: str

    @property
    def is_write(self) -> bool:
        """Return whether a later call can meet the effect of the call."""
        return self.operation not in _READS

    def __str__(self) -> str:
        return f"{self.operation} of {self.about}"


def call_of(request: Any) -> Call:
    """Return the call of a request of botocore.

    Raises ValueError for an unknown service.
    """
    headers = {str(name).lower(): _text(value) for name, value in request.headers.items()}
    service, _, operation = headers.get("x-amz-target", "").partition(".")
    if service.startswith("DynamoDB"):
        return Call(operation, _row(json.loads(_text(request.body))))
    if service.startswith("AmazonSQS"):
        return Call(operation, _queue(json.loads(_text(request.body))))
    if request.method in _S3:
        return Call(_S3[request.method], _object(request, headers))
    raise ValueError(f"{request.method} {request.url} is no call of a service that is known here")


def _row(body: Mapping[str, Any]) -> str:
    key = body.get("Item") or body.get("Key") or {}
    pk = key.get("PK", {}).get("S", "")
    if not pk.startswith("LOCK#"):
        return "the table"
    if pk.endswith("-circuit"):
        return "the circuit"
    return f"the lease of {pk.rpartition('-')[2]}"


def _queue(body: Mapping[str, Any]) -> str:
    name = body["QueueUrl"].rpartition("/")[2]
    return next((what for start, what in _QUEUES.items() if name.startswith(start)), name)


def _object(request: Any, headers: Mapping[str, str]) -> str:
    key = unquote(urlsplit(request.url).path).strip("/").partition("/")[2]
    if not key:
        collection = re.search(r"snapshots/(\w+)/", _text(request.body))
        return f"what expired of {collection[1]}" if collection else "several objects"
    parts = key.split("/")
    if parts[0] != "snapshots":
        return f"a {parts[0].removesuffix('s')}"
    kind = _KINDS.get(parts[2], parts[2])
    first = "first " if headers.get("if-none-match") == "*" else ""
    return f"a {first}{kind} of {parts[1]}"


def _text(value: Any) -> str:
    if hasattr(value, "getvalue"):
        value = value.getvalue()
    return value.decode(errors="replace") if isinstance(value, bytes | bytearray) else str(value)
