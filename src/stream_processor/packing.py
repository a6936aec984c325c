"""Changes into as few SQS messages, and calls, as the size limits allow."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from pydantic_core import PydanticSerializationError

from receipt_sync.attributes import to_json
from receipt_sync.keys import ReceiptKey
from receipt_sync.messages import Change, EntityData, batch_body, to_body
from receipt_sync.sqs_text import CALL_LIMIT, MESSAGE_LIMIT
from stream_processor.detection import EntityChange

MARGIN: Final = 4_096
"""Attributes, and the frame of a batch message."""
ENTRIES_A_CALL: Final = 10
MIXED: Final = "MIXED"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """A message's body and attributes, its size in bytes, and the lowest sequence number in it."""

    body: str
    entity_type: str
    timestamp: str
    source: str
    size: int
    first_sequence: int
    changes: int


class _Packed(NamedTuple):
    change: EntityChange
    receipt: ReceiptKey
    body: str
    size: int


def pack(changes: Iterable[EntityChange], limit: int = MESSAGE_LIMIT) -> list[OutgoingMessage]:
    """Messages of at most `limit` bytes less the margin; a receipt is split only if it must be."""
    room = limit - MARGIN
    packed = sorted((_body(change, room) for change in changes), key=attrgetter("receipt"))
    groups = [list(group) for _, group in groupby(packed, key=attrgetter("receipt"))]
    return [_message(members) for members in _fill(groups, room)]


def calls(
    messages: Iterable[OutgoingMessage], limit: int = CALL_LIMIT
) -> Iterator[list[OutgoingMessage]]:
    """Messages of one SendMessageBatch each: at most ten, and at most `limit` bytes in total."""
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
    message = Change(
        entity_type=change.key.entity_type,
        entity_data=EntityData.of(change.key),
        changes={
            field: {"old": to_json(values.old), "new": to_json(values.new)}
            for field, values in change.changes.items()
        },
        event_name=change.event_name,
        timestamp=change.timestamp,
        stream_record_id=change.stream_record_id,
        sequence_number=change.sequence_number,
        aws_region=change.aws_region,
    )
    try:
        body, size = _encoded(message)
    except PydanticSerializationError:  # a lone surrogate, which no text in UTF-8 can hold
        body, size = _encoded(message.without_values())
    if size > room:
        body, size = _encoded(message.without_values())
    return _Packed(change, change.key.receipt, body, size)


def _encoded(message: Change) -> tuple[str, int]:
    """The body, and its size in bytes."""
    body = to_body(message)
    if body.isascii():
        return body, len(body)
    # JSON allows these two in a string, and SQS refuses them in a body.
    body = body.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")
    return body, len(body.encode())


def _fill(groups: Sequence[list[_Packed]], room: int) -> Iterator[list[_Packed]]:
    """Receipts one after another; one that does not fit any more begins the next message."""
    members: list[_Packed] = []
    size = 0
    for group in groups:
        needed = sum(one.size + 1 for one in group)
        if members and size + needed > room:
            yield members
            members, size = [], 0
        for one in group:  # a receipt larger than a message is split all the same
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
    kinds = {one.change.key.entity_type.value for one in members}
    return OutgoingMessage(
        body=body,
        entity_type=kinds.pop() if len(kinds) == 1 else MIXED,
        timestamp=min(one.change.timestamp for one in members).isoformat(),
        source="dynamodb_stream" if alone else "dynamodb_stream_batch",
        size=sum(one.size + 1 for one in members) + MARGIN,
        first_sequence=min(one.change.first_sequence for one in members),
        changes=len(members),
    )
