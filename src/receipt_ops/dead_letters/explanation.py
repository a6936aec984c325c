"""Explanations of dead letters: the cause, the result of a redrive, and the remedy."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from receipt_index.deltas import VectorBatch
from receipt_ops.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from receipt_ops.dead_letters.queue import DeadLetter
from receipt_sync.errors import (
    DeltaRefusedError,
    IndexFailedError,
    PoisonMessageError,
    SnapshotDamagedError,
)
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, ReadMessage


class Outlook(StrEnum):
    """Names the results of a redrive now."""

    TAKEN = "would be taken now"
    UNKNOWN = "may be taken now"
    UNPROVEN = "may fail again"
    PART = "would be taken in part"
    REFUSED = "would come back"
    REPLAY = "is to be replayed"


@dataclass(frozen=True)
class Explanation:
    """Explains one dead letter. `keys` are the entities that the dead letter names."""

    message_id: str
    kind: str
    sent: datetime | None
    receives: int
    reason: str
    outlook: Outlook
    remedy: str
    keys: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class DeltaState(Protocol):
    """A source of delta objects and of the dimensions of their collections."""

    def read(self, delta: Delta) -> VectorBatch:
        """Return a delta's content. Raises DeltaRefusedError if it is gone or malformed."""
        ...

    def can_be_restored(self, delta: Delta) -> bool:
        """Return whether the object was deleted and the bucket still holds an older version."""
        ...

    def dimension(self, collection: Collection) -> int | None:
        """Return the dimension of the collection's vectors; None before the first vector.

        Raises SnapshotDamagedError and IndexFailedError if the collection cannot be opened.
        """
        ...


_TOO_OFTEN = (
    "the compactor received it as often as the queue allows, and neither applied nor refused it: "
    "either every batch failed during that time, or this message ended its worker each time, for "
    "example by a time-out or too little memory"
)


def explain(dead_letter: DeadLetter, deltas: DeltaState) -> Explanation:
    """Return the explanation of a dead letter of either dead-letter queue."""
    content = content_of(dead_letter.body)
    if isinstance(content, PoisonMessageError):
        return _explained(
            dead_letter,
            "broken message",
            dead_letter.reason or str(content),
            Outlook.REFUSED,
            "repair its sender, send a correct message, then drop this one with "
            "`receipt-sync dlq drop`",
        )
    if isinstance(content, FailureRecord):
        return _failure(dead_letter, content)
    if isinstance(content, StreamRecordContent):
        return _stream_record(dead_letter, content)
    return _message(dead_letter, content, deltas)


def _message(dead_letter: DeadLetter, content: ReadMessage, deltas: DeltaState) -> Explanation:
    if content.delta is not None:
        return _delta(dead_letter, content.delta, deltas)
    keys = tuple(change.key.chroma_id for change in content.changes)
    if content.poison:
        return _broken_items(dead_letter, content, keys)
    if dead_letter.reason:
        return _explained(
            dead_letter,
            "change",
            dead_letter.reason,
            Outlook.UNKNOWN,
            "repair the item that the key names (see `receipt-sync compare`), then redrive: the "
            "compactor reads the repaired item",
            keys,
        )
    return _received_too_often(dead_letter, "change", keys)


def _broken_items(
    dead_letter: DeadLetter, content: ReadMessage, keys: tuple[str, ...]
) -> Explanation:
    """Explain a batch with broken items.

    The dead letter holds the whole batch, or only the broken items that the compactor set aside.
    """
    outlook = Outlook.PART if content.changes else Outlook.REFUSED
    remedy = (
        "redrive it: the compactor applies its correct items and sets the broken items aside again"
        if content.changes
        else "repair its sender, then drop this one with `receipt-sync dlq drop`: "
        "the compactor has applied the correct items of the batch"
    )
    faults = "; ".join(poison.reason for poison in content.poison)
    kind = "change batch with broken items"
    return _explained(dead_letter, kind, dead_letter.reason or faults, outlook, remedy, keys)


def _delta(dead_letter: DeadLetter, delta: Delta, deltas: DeltaState) -> Explanation:
    try:
        batch = deltas.read(delta)
    except DeltaRefusedError as error:
        remedy = "let its producer store the object, then redrive"
        if deltas.can_be_restored(delta):
            remedy = "the bucket still has the object: run `receipt-sync dlq restore`, then redrive"
        return _explained(dead_letter, "delta", str(error), Outlook.REFUSED, remedy)
    try:
        dimension = deltas.dimension(delta.collection)
    except (
        SnapshotDamagedError,
        IndexFailedError,
    ) as error:  # The dead letter may still be correct.
        reason = dead_letter.reason or _TOO_OFTEN
        remedy = (
            f"the collection can't be opened ({error}): repair that first, then run "
            "`receipt-sync dlq explain` again"
        )
        return _explained(dead_letter, "delta", reason, Outlook.UNKNOWN, remedy, batch.ids)
    if dimension not in (None, batch.dimension):
        reason = (
            f"its vectors have {batch.dimension} dimensions, but those of the collection have "
            f"{dimension}"
        )
        remedy = "embed with the collection's model, send a new delta, then drop this one"
        return _explained(dead_letter, "delta", reason, Outlook.REFUSED, remedy, batch.ids)
    if dead_letter.reason is None:
        return _received_too_often(dead_letter, "delta", batch.ids)
    if dead_letter.reason.startswith(batch.ids):  # No check here can repeat that of the compactor.
        remedy = (
            "repair the item of the record that the reason names (see `receipt-sync compare`), "
            "then redrive: the compactor reads the repaired item"
        )
        return _explained(
            dead_letter, "delta", dead_letter.reason, Outlook.UNKNOWN, remedy, batch.ids
        )
    remedy = "its cause is repaired: redrive it"
    return _explained(dead_letter, "delta", dead_letter.reason, Outlook.TAKEN, remedy, batch.ids)


def _received_too_often(dead_letter: DeadLetter, kind: str, keys: Sequence[str]) -> Explanation:
    # The text omits the number of receives, because each look at a dead letter counts as one too.
    remedy = (
        "find the cause with `receipt-sync status` and `receipt-sync logs --errors`, and repair "
        f"it. Then redrive this one alone with `receipt-sync dlq redrive {dead_letter.message_id}`,"
        " and the others after the compactor has applied it"
    )
    return _explained(dead_letter, kind, _TOO_OFTEN, Outlook.UNPROVEN, remedy, tuple(keys))


def _stream_record(dead_letter: DeadLetter, content: StreamRecordContent) -> Explanation:
    reason = dead_letter.reason or content.fault or "the stream processor parked it"
    keys = (f"{content.pk}#{content.sk}",) if content.pk or content.sk else ()
    if content.key is None:
        remedy = (
            "repair the writer of this key, write the item under a correct key, delete the wrong "
            "item, then drop this one with `receipt-sync dlq drop`"
        )
        return _explained(dead_letter, "stream record", reason, Outlook.REFUSED, remedy, keys)
    remedy = "redrive it: the compactor reads the entity from the table again"
    return _explained(dead_letter, "stream record", reason, Outlook.TAKEN, remedy, keys)


def _failure(dead_letter: DeadLetter, record: FailureRecord) -> Explanation:
    reason = (
        f"Lambda gave up {record.size} stream records ({record.condition}) that arrived from "
        f"{record.arrived_from} to {record.arrived_to}"
    )
    return _explained(
        dead_letter,
        "part of the stream",
        reason,
        Outlook.REPLAY,
        "replay this one with `receipt-sync replay`. If that reports malformed records, repair the "
        "items that they name, then drop this one with `receipt-sync dlq drop`",
    )


def _explained(
    dead_letter: DeadLetter,
    kind: str,
    reason: str,
    outlook: Outlook,
    remedy: str,
    keys: tuple[str, ...] = (),
) -> Explanation:
    return Explanation(
        dead_letter.message_id,
        kind,
        dead_letter.sent,
        dead_letter.receives,
        reason,
        outlook,
        remedy,
        keys,
    )


def comes_back(explanation: Explanation) -> str | None:
    """Return why a redrive now would fail for a dead letter; None if it would not."""
    if explanation.outlook is not Outlook.REFUSED:
        return None
    return f"it would come back: {explanation.reason}; {explanation.remedy}"


def concerns(dead_letter: DeadLetter, key: EntityKey) -> bool:
    """Return whether a dead letter is about an entity or about an item of its record.

    These items are the entity's own, its receipt's metadata, and its two neighbours.
    """
    content = content_of(dead_letter.body)
    if isinstance(content, StreamRecordContent):
        touched = {content.key}
    elif isinstance(content, ReadMessage):
        touched = {change.key for change in content.changes}
    else:
        return False
    return bool(touched & {key, key.metadata, key.neighbour(-1), key.neighbour(1)} - {None})
