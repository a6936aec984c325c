"""Packs changes into as few SQS messages and calls as the size limits allow."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from pydantic_core import PydanticSerializationError
from pydantic_core import to_json as as_json

from receipt_sync.attributes import to_json
from receipt_sync.keys import EntityType
from receipt_sync.messages import CHANGE, SCHEMA, batch_body
from receipt_sync.sqs_text import CALL_LIMIT, MESSAGE_LIMIT
from stream_processor.detection import EntityChange

MARGIN: Final = 4_096
"""Bytes that are reserved for the attributes and for the frame of a batch message."""
ENTRIES_A_CALL: Final = 10
MIXED: Final = "MIXED"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message to send: body, attributes, size in bytes, and its lowest sequence number.

    `changes` is the number of changes in it.
    """

    body: str
    entity_type: str
    timestamp: str
    source: str
    size: int
    first_sequence: int
    changes: int


class _Packed(NamedTuple):
    change: EntityChange
    kind: EntityType
    body: str
    size: int


def pack(changes: Iterable[EntityChange], limit: int = MESSAGE_LIMIT) -> list[OutgoingMessage]:
    """Return the messages of the changes. Each has at most `limit` bytes less the margin.

    A receipt is split only if it does not fit into one message.
    """
    room = limit - MARGIN
    groups: defaultdict[tuple[object, ...], list[_Packed]] = defaultdict(list)
    for change in changes:
        groups[change.key[:2]].append(_body(change, room))  # The receipt of the entity.
    return [_message(members) for members in _fill(groups.values(), room)]


def calls(
    messages: Iterable[OutgoingMessage], limit: int = CALL_LIMIT
) -> Iterator[list[OutgoingMessage]]:
    """Yield the messages of each SendMessageBatch: at most ten, and `limit` bytes in total."""
    call: list[OutgoingMessage] = []
    size = 0
    for message in messages:
        if call and (len(call) == ENTRIES_A_CALL or size + message.size > limit):
            yield call
            call, size = [], 0
        call.append(message)
        size += message.size
    if call:
        yield call


def _body(change: EntityChange, room: int) -> _Packed:
    content = _content(change)
    try:
        body, size = _encoded(content)
    except PydanticSerializationError:  # UTF-8 cannot hold a lone surrogate.
        size = room + 1
    if size > room:
        body, size = _encoded({**content, "changes": {field: {} for field in change.changes}})
    return _Packed(change, content["entity_type"], body, size)


def _content(change: EntityChange) -> dict[str, Any]:
    """Return the content of a `messages.Change` as a dict.

    The validation of the model would take longer than the detection of the change. A parsed key
    passes it anyway.
    """
    key = change.key
    kind = key.entity_type
    return {
        "source": CHANGE,
        "schema": SCHEMA,
        "entity_type": kind,
        "entity_data": {"entity_type": kind, **key.ids},
        "changes": {
            field: {"old": to_json(values.old), "new": to_json(values.new)}
            for field, values in change.changes.items()
        },
        "event_name": change.event_name,
        "timestamp": change.timestamp,
        "stream_record_id": change.stream_record_id,
        "sequence_number": change.sequence_number,
        "aws_region": change.aws_region,
    }


def _encoded(content: Mapping[str, Any]) -> tuple[str, int]:
    """Return the JSON body and its size in bytes."""
    body = as_json(content).decode()
    if body.isascii():
        return body, len(body)
    # JSON allows these two characters in a string, but SQS refuses them in a body.
    body = body.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    return body, len(body.encode())


def _fill(groups: Iterable[list[_Packed]], room: int) -> Iterator[list[_Packed]]:
    """Yield the changes of each message, receipt after receipt.

    A receipt that does not fit into the rest of a message begins the next one.
    """
    members: list[_Packed] = []
    size = 0
    for group in groups:
        needed = sum(one.size + 1 for one in group)
        if members and size + needed > room:
            yield members
            members, size = [], 0
        for one in group:  # A receipt larger than a message is split.
            if members and size + one.size + 1 > room:
                yield members
                members, size = [], 0
            members.append(one)
            size += one.size + 1
    if members:
        yield members


def _message(members: list[_Packed]) -> OutgoingMessage:
    alone = len(members) == 1
    body = members[0].body if alone else batch_body(one.body for one in members)
    kinds = {one.kind.value for one in members}
    return OutgoingMessage(
        body=body,
        entity_type=kinds.pop() if len(kinds) == 1 else MIXED,
        timestamp=min(one.change.timestamp for one in members).isoformat(),
        source="dynamodb_stream" if alone else "dynamodb_stream_batch",
        size=sum(one.size + 1 for one in members) + MARGIN,
        first_sequence=min(one.change.first_sequence for one in members),
        changes=len(members),
    )
