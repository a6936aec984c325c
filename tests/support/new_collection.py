"""Follow the letters of a receipt from stream records to Chroma, `verify`, `search` and `flags`.

Run it with a module of keys that has the entity type RECEIPT_LETTER and the collection
`receipt_letters`. It prints what became of the letters, as JSON.
"""

import inspect
import json
from dataclasses import replace
from typing import Any, Final

from receipt_ops.commands.receipts.search import hits_table, search_command
from receipt_ops.commands.recovery.flags import set_command
from receipt_ops.deployment.flags import FLAGS
from receipt_ops.loading.embedding import embed
from receipt_ops.searching import search
from receipt_ops.verification.comparison import compare
from receipt_sync.keys import Collection, EntityKey, EntityType, parse_key
from receipt_sync.settings import StreamProcessorSettings
from stream_processor.processor import StreamProcessor
from tests.support.fakes.system import InMemorySystem
from tests.support.fakes.telemetry import RecordingTelemetry
from tests.unit.receipt_ops.fakes import InMemorySnapshot
from tests.unit.stream_processor.fakes import InMemoryChangePublisher, InMemoryParking
from tests.unit.stream_processor.records import raw_record

LETTERS: Final = Collection("receipt_letters")
TYPE: Final = EntityType("RECEIPT_LETTER")
IDS: Final = ("image_id", "receipt_id", "line_id", "word_id", "letter_id")


def letter(number: int) -> EntityKey:
    """Return the key of a letter of one word."""
    key = parse_key("IMAGE#img", f"RECEIPT#00001#LINE#00001#WORD#00002#LETTER#{number:05d}")
    assert key is not None
    assert (key.entity_type, key.collection) == (TYPE, LETTERS)
    assert parse_key(key.pk, key.sk) == key
    return key


def queued(event: str, key: EntityKey, old: str | None, new: str | None) -> list[str]:
    """Return the bodies that the stream processor queues for a change of a text."""
    images = [None if text is None else {"text": {"S": text}} for text in (old, new)]
    publisher = InMemoryChangePublisher()
    processor = StreamProcessor(
        publisher, InMemoryParking(), frozenset(EntityType), RecordingTelemetry()
    )
    record = raw_record(key.pk, key.sk, event, old=images[0], new=images[1])
    processor.process([record], InMemorySystem().deadline())
    return [message.body for message in publisher.sent]


def follow() -> dict[str, Any]:
    """Return what becomes of two letters."""
    one, two = letter(3), letter(4)
    system = InMemorySystem()
    worker = system.worker()

    def handle(*bodies: str) -> None:
        assert bodies
        assert not system.handle(worker, *bodies).returned
        assert system.dead_letters.parked == []

    def held(key: EntityKey, *names: str) -> dict[str, Any]:
        metadata = system.index(LETTERS).get([key.chroma_id])[key.chroma_id].metadata
        return {name: metadata.get(name) for name in names}

    found: dict[str, Any] = {}
    system.table.items |= {one: {"text": "M"}, two: {"text": "I"}}
    handle(system.delta_body([one, two]))
    system.table.items[one.metadata] = {"merchant_name": "Cafe Luna"}
    handle(system.change_body(one.metadata, "merchant_name"))
    found["merchant"] = held(one, *IDS, "text", "merchant_name")
    system.table.items[one] = {"text": "N"}
    handle(*queued("MODIFY", one, "M", "N"))
    found["corrected"] = held(one, "text", "embedding_stale")
    found["neighbour"] = held(two, "prev_letter_text")
    found["differences"] = system.differences()

    record = system.index(LETTERS).get([one.chroma_id])[one.chroma_id]
    found["sound"] = compare(one, system.table.items, record).finding.name
    damaged = replace(record, metadata={**record.metadata, "text": "wrong"})
    found["damaged"] = sorted(compare(one, system.table.items, damaged).fields)
    snapshot = InMemorySnapshot()
    snapshot.records[one.chroma_id] = record
    (hit,) = search(snapshot, embed, "M", 10)
    place = list(hits_table([hit], "").columns[4].cells)
    found["searched"] = [hit.to_json()["id"], *place]

    del system.table.items[two]
    handle(*queued("REMOVE", two, "I", None))
    found["deleted"] = two.chroma_id not in system.index(LETTERS).records
    return found


def operated() -> dict[str, Any]:
    """Return how settings and commands name the letters."""
    settings = StreamProcessorSettings.read(
        {
            "ENVIRONMENT": "test",
            "COMPACTION_QUEUE_URL": "https://queue",
            "STREAM_DLQ_URL": "https://dead",
            "DYNAMODB_TABLE": "table",
            "ENABLE_LETTER_UPDATES": "false",
        }
    )
    options = list(inspect.signature(set_command).parameters)
    assert inspect.signature(search_command).parameters["collection"].default in list(Collection)
    return {
        "enabled": [one.value for one in EntityType if one in settings.enabled_types],
        "flag": FLAGS["letter"],
        "options": options[: options.index("queue") + 1],
        "collections": list(Collection),
    }


if __name__ == "__main__":
    print(json.dumps(follow() | operated()))
