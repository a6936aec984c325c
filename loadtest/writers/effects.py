"""Computes how a change alters the records of its receipt, with the compactor's own projection.

A change alters more than the edited record. A text is the context of its neighbours, and every
record of the receipt holds the merchant.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from compactor.cycle.plan import same
from compactor.cycle.projection import Item, project
from loadtest.watcher.expectations import DOCUMENT, Wanted
from loadtest.writers.ledger import Held
from receipt_sync.keys import EntityKey


@dataclass(frozen=True)
class Edit:
    """The items after a change (None: deleted), and the texts whose vectors were sent."""

    items: Mapping[EntityKey, Item | None]
    documents: Mapping[EntityKey, str] = field(default_factory=dict)


def apply(edit: Edit, held: Held) -> tuple[Wanted, ...]:
    """Apply a written edit to `held`. Return what its records must show from now on."""
    touched = list(_touched(edit, held))
    before = {key: _expected(key, held) for key in touched}
    held.items |= {key: item for key, item in edit.items.items() if item is not None}
    held.documents |= edit.documents
    for key, item in edit.items.items():
        if item is None:
            held.items.pop(key, None)
            held.documents.pop(key, None)
    after = {key: _expected(key, held) for key in touched}
    return _grouped({key: _difference(before[key], after[key]) for key in touched})


def whole(held: Held) -> tuple[Wanted, ...]:
    """Return what the records of a new receipt must show."""
    records = {key: _expected(key, held) for key in held.documents}
    return _grouped({key: _difference({}, record) for key, record in records.items()})


def _touched(edit: Edit, held: Held) -> Iterator[EntityKey]:
    keys = {*edit.items, *edit.documents}
    if any(key.collection is None for key in keys):
        keys |= set(held.documents)
    neighbours = {key.neighbour(step) for key in keys for step in (-1, 1)}
    for key in sorted({*keys, *(n for n in neighbours if n is not None)}, key=str):
        if key.collection is not None and (key in held.documents or key in edit.documents):
            yield key


def _expected(key: EntityKey, held: Held) -> Mapping[str, Any] | None:
    """Return the expected fields of a record, or None if it must not exist."""
    if held.items.get(key) is None or key not in held.documents:
        return None
    document = held.documents[key]
    return {**project(key, held.items, document=document), DOCUMENT: document}


_SAME: Mapping[str, Any] = {}


def _difference(
    before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    if after is None:
        return None if before is not None else _SAME
    known = before or {}
    return {
        name: value
        for name, value in after.items()
        if before is None or not same(known.get(name), value)
    }


def _grouped(differences: Mapping[EntityKey, Mapping[str, Any] | None]) -> tuple[Wanted, ...]:
    """Group the records that must show the same fields. Leave out unchanged records."""
    groups: dict[str, tuple[list[str], Mapping[str, Any] | None]] = {}
    for key, fields in differences.items():
        if fields is None or fields:
            ids, _ = groups.setdefault(json.dumps(fields, sort_keys=True), ([], fields))
            ids.append(key.chroma_id)
    return tuple(Wanted(tuple(ids), fields) for ids, fields in groups.values())
