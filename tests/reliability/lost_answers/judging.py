"""Compares the readers' records with the table. Its rules share no code with the product."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from receipt_sync.keys import Collection
from tests.reliability.lost_answers import content
from tests.reliability.lost_answers.system import System
from tests.reliability.simulation.checks import model

_TOLERANCE: Final = 1e-5
"""Tolerance for the numbers of a vector. Chroma normalises vectors again when it stores them."""


def wrong(system: System, readers: Mapping[Collection, Any]) -> list[str]:
    """Return the faults of the readers' records, without receipt text."""
    items = {(item["PK"]["S"], item["SK"]["S"]): item for item in system.items()}
    found: list[str] = []
    published: set[str] = set()
    for reader in readers.values():
        ids = list(reader.ids()) if reader.version else []
        published |= set(ids)
        records, vectors = reader.get(ids), reader.vectors(ids)
        for chroma_id in ids:
            seen = (records[chroma_id], vectors[chroma_id])
            found += _faults(items, chroma_id, *seen, system.embedded.get(chroma_id))
    wanted = {each for each in system.embedded if model.entity_of(each).key in items}
    return found + [f"{each} has no record" for each in sorted(wanted - published)]


def _faults(
    items: Mapping[Any, Any], chroma_id: str, record: Any, vector: Any, text: str | None
) -> Iterator[str]:
    entity = model.entity_of(chroma_id)
    if entity.key not in items:
        yield f"{chroma_id} has a record, but no item"
        return
    held = model.held(dict(record.metadata))
    for channel, key in model.channels(entity).items():
        expected = model.expected(channel, entity, items.get(key), record.document)
        if expected is None or not model.equal(held[channel], expected):
            yield f"the {channel} part of {chroma_id} is not that of the table"
    if text is None or record.document != text:
        yield f"the document of {chroma_id} is not the last embedded text"
    elif not np.allclose(vector, content.vector_of(chroma_id, text), atol=_TOLERANCE):
        yield f"the vector of {chroma_id} is not that of the last embedded text"


def leases_left(system: System) -> list[str]:
    """Return the leases that were not released."""
    locks = [item for item in system.items() if item["SK"]["S"] == "LOCK"]
    return [f"the lease {lock['PK']['S']} was not given back" for lock in locks]


def letters_wrong(system: System, *, parked_twice: bool) -> list[str]:
    """Return the faults of the dead-letter queues. `parked_twice` allows a letter twice."""
    queues, found = system.stack.queues, []
    letters = system.letters(queues.compaction_dlq.url)
    if set(letters) != system.poison:
        found.append(f"{len(letters)} letters of the compactor instead of {len(system.poison)}")
    malformed = system.letters(queues.stream_dlq.url)
    if len(set(malformed)) != system.malformed:
        found.append(f"{len(malformed)} letters of the stream instead of {system.malformed}")
    twice = len(letters) + len(malformed) > len(system.poison) + system.malformed
    return [*found, *(["a letter is there twice"] if twice and not parked_twice else [])]
