"""Why a dead letter is where it is, whether it would be taken now, and what to do."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from compactor.deltas import VectorBatch
from operations.dead_letters.content import FailureRecord, StreamRecordContent, content_of
from operations.dead_letters.letter import Letter
from receipt_sync.errors import (
    DeltaRefusedError,
    IndexFailedError,
    PoisonMessageError,
    SnapshotDamagedError,
)
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, ReadMessage


class Outlook(StrEnum):
    """What would become of a letter that is redriven now."""

    TAKEN = "would be taken now"
    UNKNOWN = "may be taken now"
    PART = "would be taken in part"
    REFUSED = "would come back"
    REPLAY = "is to be replayed"


@dataclass(frozen=True)
class Explanation:
    """One letter. `keys` are the entities that it is about, as far as it says so."""

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
    """What can be asked of the delta objects and of the collections they are for."""

    def read(self, delta: Delta) -> VectorBatch:
        """Its content. Raises DeltaRefusedError if it is gone or breaks the contract."""
        ...

    def can_be_restored(self, delta: Delta) -> bool:
        """Whether the object was deleted, and the bucket still has it."""
        ...

    def dimension(self, collection: Collection) -> int | None:
        """Of the collection's vectors; None while it has none.

        Raises SnapshotDamagedError and IndexFailedError if it can't be opened.
        """
        ...


_TOO_OFTEN = (
    "it was received as often as the queue allows and never applied, which says nothing of itself"
)


def explain(letter: Letter, deltas: DeltaState) -> Explanation:
    """What to know of a letter of either dead-letter queue."""
    content = content_of(letter.body)
    if isinstance(content, PoisonMessageError):
        return _explained(
            letter,
            "broken message",
            letter.reason or str(content),
            Outlook.REFUSED,
            "mend who sends it, send it right, then `receipt-sync dlq drop` this one",
        )
    if isinstance(content, FailureRecord):
        return _failure(letter, content)
    if isinstance(content, StreamRecordContent):
        return _stream_record(letter, content)
    return _message(letter, content, deltas)


def _message(letter: Letter, content: ReadMessage, deltas: DeltaState) -> Explanation:
    if content.delta is not None:
        return _delta(letter, content.delta, deltas)
    keys = tuple(change.key.chroma_id for change in content.changes)
    if content.poison:
        return _broken_items(letter, content, keys)
    if letter.reason:
        return _explained(
            letter,
            "change",
            letter.reason,
            Outlook.UNKNOWN,
            "mend the item that the key names, see `receipt-sync compare`, then redrive: the "
            "compactor reads the item as it is then",
            keys,
        )
    return _received_too_often(letter, "change", keys)


def _broken_items(letter: Letter, content: ReadMessage, keys: tuple[str, ...]) -> Explanation:
    """A batch as it was sent, or the broken items of one, which the compactor set aside alone."""
    outlook = Outlook.PART if content.changes else Outlook.REFUSED
    remedy = (
        "redrive it: what is right in it is applied, the broken items come back by themselves"
        if content.changes
        else "mend who sends it, then `receipt-sync dlq drop` this one: what was right beside "
        "these items is applied"
    )
    faults = "; ".join(poison.reason for poison in content.poison)
    kind = "change batch with broken items"
    return _explained(letter, kind, letter.reason or faults, outlook, remedy, keys)


def _delta(letter: Letter, delta: Delta, deltas: DeltaState) -> Explanation:
    try:
        batch = deltas.read(delta)
    except DeltaRefusedError as error:
        remedy = "its producer must put the object, then redrive"
        if deltas.can_be_restored(delta):
            remedy = "the bucket still has the object: `receipt-sync dlq mend`, then redrive"
        return _explained(letter, "delta", str(error), Outlook.REFUSED, remedy)
    try:
        dimension = deltas.dimension(delta.collection)
    except (SnapshotDamagedError, IndexFailedError) as error:  # it says nothing of the letter
        reason = letter.reason or _TOO_OFTEN
        remedy = f"the collection can't be opened ({error}): mend that first, then explain it again"
        return _explained(letter, "delta", reason, Outlook.UNKNOWN, remedy, batch.ids)
    if dimension not in (None, batch.dimension):
        reason = f"its vectors have {batch.dimension} dimensions, the collection's {dimension}"
        remedy = "embed with the collection's model and send a new delta, then drop this one"
        return _explained(letter, "delta", reason, Outlook.REFUSED, remedy, batch.ids)
    if letter.reason is None:
        return _received_too_often(letter, "delta", batch.ids)
    remedy = "its cause is mended: redrive"
    return _explained(letter, "delta", letter.reason, Outlook.TAKEN, remedy, batch.ids)


def _received_too_often(letter: Letter, kind: str, keys: Sequence[str]) -> Explanation:
    # Not how often: each look at a letter counts as a receive, too.
    remedy = (
        "`receipt-sync status` and `receipt-sync trace` say what kept the compactor; mend that, "
        "then redrive"
    )
    return _explained(letter, kind, _TOO_OFTEN, Outlook.UNKNOWN, remedy, tuple(keys))


def _stream_record(letter: Letter, content: StreamRecordContent) -> Explanation:
    reason = letter.reason or content.fault or "the stream processor parked it"
    keys = (f"{content.pk}#{content.sk}",) if content.pk or content.sk else ()
    if content.key is None:
        remedy = (
            "mend who writes this key and write the item under a right one, delete the wrong one, "
            "then `receipt-sync dlq drop` this one"
        )
        return _explained(letter, "stream record", reason, Outlook.REFUSED, remedy, keys)
    remedy = "redrive: its entity is read anew from the table"
    return _explained(letter, "stream record", reason, Outlook.TAKEN, remedy, keys)


def _failure(letter: Letter, record: FailureRecord) -> Explanation:
    reason = (
        f"Lambda gave up {record.size} stream records ({record.condition}) that arrived from "
        f"{record.arrived_from} to {record.arrived_to}"
    )
    return _explained(
        letter, "part of the stream", reason, Outlook.REPLAY, "`receipt-sync replay` this one"
    )


def _explained(
    letter: Letter,
    kind: str,
    reason: str,
    outlook: Outlook,
    remedy: str,
    keys: tuple[str, ...] = (),
) -> Explanation:
    return Explanation(
        letter.message_id, kind, letter.sent, letter.receives, reason, outlook, remedy, keys
    )


def comes_back(explanation: Explanation) -> str | None:
    """Return why a letter would come back if it were redriven now; None if it would not."""
    if explanation.outlook is not Outlook.REFUSED:
        return None
    return f"it would come back: {explanation.reason}; {explanation.remedy}"


def concerns(letter: Letter, key: EntityKey) -> bool:
    """Whether a letter is about an entity, or about what its record is computed from."""
    content = content_of(letter.body)
    if isinstance(content, StreamRecordContent):
        touched = {content.key}
    elif isinstance(content, ReadMessage):
        touched = {change.key for change in content.changes}
    else:
        return False
    return bool(touched & {key, key.metadata, key.neighbour(-1), key.neighbour(1)} - {None})
