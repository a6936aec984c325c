"""The trace of a message, an invocation or an entity through the logs of both functions."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from receipt_ops.logs.log_events import LogEvent, Logs
from receipt_sync.correlation import receipt_name
from receipt_sync.errors import MalformedKeyError
from receipt_sync.keys import parse_key

NOISE = frozenset(
    {
        "function_arn",
        "function_memory_size",
        "function_name",
        "function_request_id",
        "level",
        "location",
        "message",
        "request_id",
        "sampling_rate",
        "service",
        "timestamp",
        "xray_trace_id",
    }
)
"""Fields of a log line that do not describe the event."""


_RECEIPT: Final = "#RECEIPT#"


class Step(NamedTuple):
    """Holds one line of a trace. `named` is true if the line names the requested text."""

    at: datetime
    function: str
    request_id: str | None
    what: str
    fields: dict[str, Any]
    named: bool


def trace(logs: Logs, functions: Iterable[str], text: str, since: datetime) -> list[Step]:
    """Return the lines that name `text`, and all lines of their invocations, oldest first."""
    found: dict[tuple[datetime, str, str], Step] = {}
    for function in functions:
        naming = [e for e in logs.events(function, since, text) if _names(e.content, text)]
        for event in (*naming, *_invocations(logs, function, naming, since)):
            step = _step(event, text)
            found[step.at, function, repr(event.content)] = step
    return sorted(found.values(), key=lambda step: (step.at, step.function))


def name_in_logs(text: str) -> str:
    """Return the name that the logs use for an id. For an entity, it is the name of its receipt.

    This includes the id of a receipt's metadata, although no Chroma record has this id. The logs
    write a sequence number without leading zeros.
    """
    if text.isdecimal():
        return text.lstrip("0") or text
    pk, _, rest = text.partition(_RECEIPT)
    try:
        key = parse_key(pk, f"RECEIPT#{rest}")
    except MalformedKeyError:
        return text
    return receipt_name(key.receipt) if key else text


def together(traces: Iterable[Sequence[Step]]) -> list[Step]:
    """Return the lines of several traces in the order of time, each once."""
    found = {(s.at, s.function, repr(s.fields)): s for steps in traces for s in steps}
    return sorted(found.values(), key=lambda step: (step.at, step.function))


def _invocations(
    logs: Logs, function: str, naming: Iterable[LogEvent], since: datetime
) -> Iterator[LogEvent]:
    for request_id in sorted({event.request_id for event in naming if event.request_id}):
        yield from logs.events(function, since, request_id)


def _step(event: LogEvent, text: str) -> Step:
    content = event.content
    is_metric = "_aws" in content
    fields = {name: value for name, value in content.items() if name not in NOISE | {"_aws"}}
    return Step(
        at=event.at,
        function=event.function,
        request_id=event.request_id,
        what="metrics" if is_metric else str(content.get("message", "")),
        fields=fields,
        named=_names(content, text),
    )


def _names(content: Any, text: str) -> bool:
    """Return whether a value contains `text`, but not as a part of a longer id.

    A hyphen joins the parts of an id, as in a message id. A # ends an id: an image's id is a part
    of the ids of its receipts.
    """
    if isinstance(content, Mapping):
        return any(_names(value, text) for value in content.values())
    if isinstance(content, list):
        return any(_names(value, text) for value in content)
    return re.search(_whole(text), str(content)) is not None


def _whole(text: str) -> str:
    """Return a regular expression for `text` as a whole id."""
    before = r"(?<![\w-])" if re.match(r"[\w-]", text) else ""
    after = r"(?![\w-])" if re.search(r"[\w-]\Z", text) else ""
    return f"{before}{re.escape(text)}{after}"
