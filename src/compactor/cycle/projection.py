"""Compute what Chroma should hold for one entity from the table's present state.

Chroma metadata is flat scalars. Numbers become floats only here. Each field keeps one type, because
Chroma's filters distinguish 1 from 1.0. A list, a set, a map or bytes are stored as JSON text, so
that no valid item is refused. None means that the key must not exist.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from enum import Flag, auto
from functools import cache
from typing import Any, Final, NamedTuple, TypeAlias

from receipt_index.records import DELTA_ID, STALE, Metadata, Scalar
from receipt_sync.attributes import to_json
from receipt_sync.fields import BOX_SIDES, FIELDS, Form
from receipt_sync.keys import EntityKey, EntityType
from receipt_sync.messages import is_ulid

Item: TypeAlias = Mapping[str, Any]
Items: TypeAlias = Mapping[EntityKey, Item | None]

# A tuple is tested in half the time of a union, and a dict in a quarter of the time of a Mapping.
_PLAIN: Final = (str, bool)
_NUMBERS: Final = (Decimal, int)
_MAP: Final = (dict, Mapping)


class Part(Flag):
    """The parts of a record that can be recomputed separately (design: Closure)."""

    OWN = auto()
    MERCHANT = auto()
    BEFORE = auto()
    """The text of the neighbour before."""
    AFTER = auto()
    """The text of the neighbour after."""
    CONTEXT = BEFORE | AFTER


ALL: Final = Part.OWN | Part.MERCHANT | Part.CONTEXT


class _Needs(NamedTuple):
    """The content of parts.

    It is computed once, because testing a Flag takes longer than projecting a field.
    """

    own: bool
    merchant: bool
    sides: "tuple[_Side, ...]"


class _Side(NamedTuple):
    """The position of a neighbour, and the name of its text in the metadata."""

    part: Part
    step: int
    name: str


_SIDES: Final = (_Side(Part.BEFORE, -1, "prev"), _Side(Part.AFTER, 1, "next"))


@cache
def _needs(parts: Part) -> _Needs:
    sides = tuple(side for side in _SIDES if side.part in parts)
    return _Needs(Part.OWN in parts, Part.MERCHANT in parts, sides)


def delta_of(metadata: Mapping[str, Any]) -> str:
    """Return the delta that brought a record's vector; empty if that is not known.

    What is no ULID is damage. As text it may sort after every delta, and would keep them all away.
    """
    delta_id = metadata.get(DELTA_ID)
    return delta_id if is_ulid(delta_id) else ""


def neighbourhood(key: EntityKey, parts: Part) -> list[EntityKey]:
    """Return the keys of the items from which `parts` of a record are computed.

    The record's own item is always one of them, to prove that it exists.
    """
    needed, needs = [key], _needs(parts)
    if needs.merchant:
        needed.append(key.metadata)
    neighbours = (key.neighbour(side.step) for side in needs.sides)
    return needed + [neighbour for neighbour in neighbours if neighbour is not None]


def project(
    key: EntityKey, items: Items, parts: Part = ALL, document: str | None = None
) -> Metadata:
    """Return the metadata that the record of `key` should hold in `parts`.

    `items` holds the neighbourhood of `key`, decoded. An item that is not in the table is None or
    left out. `document` is the text that the record's vector was made from.
    """
    metadata: Metadata = {}
    needs = _needs(parts)
    if needs.own:
        metadata = _own(key, items[key] or {}, document)
    if needs.merchant:
        metadata |= _mirrored(EntityType.METADATA, items.get(key.metadata) or {})
    return metadata | _context(key, items, needs.sides) if needs.sides else metadata


def text_of(item: Item | None) -> str:
    """Return the text of a line or word as it is embedded and stored; empty if there is none."""
    value = _scalar((item or {}).get("text"))
    return "" if value is None else str(value)


def _own(key: EntityKey, item: Item, document: str | None) -> Metadata:
    own: Metadata = {**key.ids, **_mirrored(key.entity_type, item)}
    own[STALE] = True if document is not None and document != text_of(item) else None
    return own


def _mirrored(entity_type: EntityType, item: Item) -> Metadata:
    """Return the metadata of an item's fields. A field that the item lacks is None."""
    metadata: Metadata = {}
    for name, form in FIELDS[entity_type]:
        value = item.get(name)
        if form is Form.VALUE:
            metadata[name] = _scalar(value)
        elif form is Form.NUMBER:
            metadata[name] = _float(value)
        else:
            sides = value if isinstance(value, _MAP) else {}
            for side, full_name in _box_names(name):
                metadata[full_name] = _float(sides.get(side))
    return metadata


@cache
def _box_names(name: str) -> tuple[tuple[str, str], ...]:
    """Return the sides of a box with their names in the metadata."""
    return tuple((side, f"{name}_{side}") for side in BOX_SIDES)


def _context(key: EntityKey, items: Items, sides: tuple[_Side, ...]) -> Metadata:
    return {
        f"{side.name}_{key.entity_type.kind}_text": _neighbour_text(key.neighbour(side.step), items)
        for side in sides
    }


def _neighbour_text(neighbour: EntityKey | None, items: Items) -> Scalar | None:
    item = items.get(neighbour) if neighbour is not None else None
    return None if item is None else _scalar(item.get("text"))


def _float(value: Any) -> Scalar | None:
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        return float(value)
    return _scalar(value)


def _scalar(value: Any) -> Scalar | None:
    if value is None or isinstance(value, _PLAIN):
        return value
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else float(value)
    if isinstance(value, Decimal):
        return float(value)
    return json.dumps(to_json(value), ensure_ascii=False, sort_keys=True)
