"""The view of one entity in every part of the system: table, snapshot and queues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from compactor.cycle.projection import ALL, Item, delta_of, neighbourhood
from compactor.cycle.source import TableSource
from receipt_ops.dead_letters.explanation import concerns
from receipt_ops.dead_letters.queue import DeadLetter
from receipt_ops.verification.comparison import compare
from receipt_ops.verification.verdict import FieldDifference, Finding
from receipt_ops.verification.verify import Newer, Snapshot, without_vector
from receipt_sync.attributes import to_json
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey


class Waiting(NamedTuple):
    """Holds a message about the entity, and the queue that holds it."""

    queue: str
    message_id: str
    sent: datetime | None
    reason: str | None


@dataclass(frozen=True)
class EntityView:
    """Holds an entity's item, its record, their differences, and the messages about it."""

    key: EntityKey
    item: Item | None
    record: Mapping[str, Any] | None
    version: int
    finding: Finding | None
    """The finding; None if the entity is neither in the table nor in the snapshot."""
    fields: Mapping[str, FieldDifference]
    stale: bool
    messages: Sequence[Waiting]

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.key.chroma_id,
            "finding": self.finding.value if self.finding else None,
            "fields": {name: value._asdict() for name, value in self.fields.items()},
            "stale": self.stale,
            "item": None if self.item is None else to_json(dict(self.item)),
            "record": self.record,
            "version": self.version,
            "messages": [message._asdict() for message in self.messages],
        }


def view(
    key: EntityKey,
    source: TableSource,
    snapshot: Snapshot,
    dead_letters: Mapping[str, Sequence[DeadLetter]],
    deadline: Deadline,
    newer: Newer = lambda *_: {},
) -> EntityView:
    """Return the view of an entity. `letters` maps queues to their messages.

    `newer` returns the newest delta of a record that holds an older one, as in a verification.
    """
    items = source.get(neighbourhood(key, ALL), deadline)
    item, chroma_id = items[key], key.chroma_id
    record = snapshot.get([chroma_id]).get(chroma_id) if snapshot.version else None
    held = {chroma_id: delta_of(record.metadata)} if record else {}
    collection = key.collection
    newest = newer(collection, held).get(chroma_id) if held and collection else None
    has_vector = record is None or not without_vector(snapshot, [chroma_id])
    comparison = compare(key, items, record, has_vector=has_vector, newer=newest)
    finding: Finding | None = comparison.finding
    if item is None:
        finding = None if record is None else Finding.UNEXPECTED
    return EntityView(
        key=key,
        item=item,
        record=dict(record.metadata) if record else None,
        version=snapshot.version,
        finding=finding,
        fields=comparison.fields if item is not None else {},
        stale=comparison.stale and item is not None,
        messages=[
            Waiting(queue, dead_letter.message_id, dead_letter.sent, dead_letter.reason)
            for queue, held in dead_letters.items()
            for dead_letter in held
            if concerns(dead_letter, key)
        ],
    )
