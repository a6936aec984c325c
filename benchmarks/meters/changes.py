"""Makes rounds of changes: writes them to the table, and builds the compactor's messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Any, Final

from benchmarks.meters.corpus import Corpus, scattered
from compactor.batch.entries import QueueMessage
from receipt_ops.loading.items import Entity
from receipt_ops.loading.table_writer import TableWriter
from receipt_sync.messages import Change, EntityData, batch_body, to_body
from receipt_sync.sequences import batches
from receipt_sync.sqs_text import MESSAGE_LIMIT

_ROOM: Final = MESSAGE_LIMIT - 4_096


class Kind(StrEnum):
    """The field that a change alters. A text is also the context of its two neighbours."""

    FIELD = "confidence"
    TEXT = "text"


@dataclass(frozen=True)
class Round:
    """The entities after their change, the changed fields by Chroma id, and the messages."""

    entities: tuple[Entity, ...]
    values: Mapping[str, dict[str, Any]]
    messages: tuple[QueueMessage, ...]


class Changer:
    """Changes scattered words of a corpus, and keeps their present state."""

    def __init__(self, corpus: Corpus, count: int, writer: TableWriter) -> None:
        self._count, self._writer = count, writer
        self._words = list(corpus.words)

    def change(self, number: int, kind: Kind) -> Round:
        """Make round `number` and write it to the table."""
        randomness = Random(f"{kind} {number}")
        positions = scattered(self._words, self._count, randomness)
        changes = [self._change(position, number, kind, randomness) for position in positions]
        entities = tuple(self._words[position] for position in positions)
        self._writer.put(entities)
        values = {e.key.chroma_id: _as_chroma(c) for e, c in zip(entities, changes, strict=True)}
        return Round(entities, values, messages_of(entities, changes))

    def _change(self, position: int, number: int, kind: Kind, randomness: Random) -> dict[str, Any]:
        word = self._words[position]
        changed = new_value(kind, word, number, randomness)
        self._words[position] = replace(word, fields={**word.fields, **changed})
        return changed


def messages_of(
    entities: Sequence[Entity], changes: Sequence[Mapping[str, Any]]
) -> tuple[QueueMessage, ...]:
    """Return the messages that the queue would hold after these changes."""
    bodies = [_body(e, c, n) for n, (e, c) in enumerate(zip(entities, changes, strict=True))]
    a_message = _ROOM // max(len(body) + 1 for body in bodies)
    return tuple(
        QueueMessage(f"message-{number}", batch_body(some))
        for number, some in enumerate(batches(bodies, a_message))
    )


def new_value(kind: Kind, entity: Entity, number: int, randomness: Random) -> dict[str, Any]:
    """Return a new value of the field for round `number`."""
    if kind is Kind.TEXT:
        return {"text": f"{entity.text.split('~')[0]}~{number}"}
    return {"confidence": Decimal(randomness.randrange(1, 10**6)).scaleb(-6)}


def _as_chroma(changed: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(v) if isinstance(v, Decimal) else v for name, v in changed.items()}


def _body(entity: Entity, changed: Mapping[str, Any], number: int) -> str:
    change = Change(
        entity_type=entity.key.entity_type,
        entity_data=EntityData.of(entity.key),
        changes={name: {"old": "before", "new": str(value)} for name, value in changed.items()},
        event_name="MODIFY",
        timestamp=datetime.now(UTC),
        stream_record_id=f"{number:032x}",
        sequence_number=f"{number:021d}",
        aws_region="us-east-1",
    )
    return to_body(change)
