"""Compares a table with the metadata, document and vector of each record that readers see."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from receipt_ops.loading.embedding import embed
from tests.reliability.simulation.checks import model
from tests.reliability.simulation.environment.table import Attributes, Key

Items: TypeAlias = Mapping[Key, Attributes]
"""Every item of the table as DynamoDB attribute values, by PK and SK."""

_TOLERANCE: Final = 1e-5
"""Tolerance for the numbers of a vector. Chroma normalises vectors again when it stores them."""
_EMBEDDED: Final = "SUCCESS"
_LETTERS_OF_A_TEXT: Final = "#LINE#"


class Published(NamedTuple):
    """A record as a reader sees it."""

    metadata: Mapping[str, Any]
    document: str | None
    vector: Any


@dataclass
class Differences:
    """The ids of wrong records, by the kind of difference. It holds no receipt text."""

    records: int = 0
    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    metadata: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    """Records whose document is not the last embedded text."""
    vectors: list[str] = field(default_factory=list)
    """Records whose vector is not the vector of the last embedded text."""

    @property
    def kinds(self) -> dict[str, list[str]]:
        return {
            "missing": self.missing,
            "unexpected": self.unexpected,
            "other metadata": self.metadata,
            "other document": self.documents,
            "other vector": self.vectors,
        }

    @property
    def wrong(self) -> int:
        """Return the number of records with at least one difference."""
        return len({each for ids in self.kinds.values() for each in ids})

    def __str__(self) -> str:
        some = (f"{name}: {len(ids)}, {ids[0]}" for name, ids in self.kinds.items() if ids)
        return "; ".join(some) or "no difference"


def differences(
    items: Items, published: Mapping[str, Published], embedded: Mapping[str, str]
) -> Differences:
    """Compare all items with all records. `embedded` holds the last embedded text by Chroma id.

    An item without a record is missing in two cases. A vector was sent for it, or its
    embedding_status is SUCCESS.
    """
    found = Differences(records=len(published))
    for chroma_id, item in _texts(items):
        sent = chroma_id in embedded or item.get("embedding_status") == {"S": _EMBEDDED}
        if sent and chroma_id not in published:
            found.missing.append(chroma_id)
    for chroma_id, record in published.items():
        _compare(found, items, chroma_id, record, embedded)
    _compare_vectors(found, published, embedded)
    return found


def _texts(items: Items) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield lines and words with the ids of their records."""
    for (pk, sk), item in items.items():
        if _LETTERS_OF_A_TEXT in sk:
            yield f"{pk}#{sk}", item


def _compare(
    found: Differences,
    items: Items,
    chroma_id: str,
    record: Published,
    embedded: Mapping[str, str],
) -> None:
    entity = model.entity_of(chroma_id)
    if entity.key not in items:
        found.unexpected.append(chroma_id)
        return
    keys, held = model.channels(entity), model.held(dict(record.metadata))
    for channel, key in keys.items():
        wanted = model.expected(channel, entity, items.get(key), record.document)
        if wanted is None or not model.equal(held[channel], wanted):
            found.metadata.append(chroma_id)
            break
    if chroma_id in embedded and record.document != embedded[chroma_id]:
        found.documents.append(chroma_id)


def _compare_vectors(
    found: Differences, published: Mapping[str, Published], embedded: Mapping[str, str]
) -> None:
    ids = [each for each in published if each in embedded]
    wanted = embed([embedded[each] for each in ids])
    for chroma_id, vector in zip(ids, wanted, strict=True):
        held = published[chroma_id].vector
        same_shape = held is not None and len(held) == len(vector)
        if not (same_shape and np.allclose(held, vector, atol=_TOLERANCE)):
            found.vectors.append(chroma_id)


def scanned(dynamodb: Any, table: str) -> dict[Key, dict[str, Any]]:
    """Return every item of a table, read with strong consistency."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    items = (item for page in pages for item in page["Items"])
    return {(item["PK"]["S"], item["SK"]["S"]): item for item in items}


def published_by(reader: Any) -> dict[str, Published]:
    """Return every record that a reader serves.

    A record whose vector cannot be read has None for it.
    """
    ids: Sequence[str] = list(reader.ids())
    records, vectors = reader.get(ids), reader.vectors(ids)
    return {
        each: Published(records[each].metadata, records[each].document, vectors.get(each))
        for each in ids
    }
