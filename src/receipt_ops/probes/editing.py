"""Random edits of single items, like those of people and pipelines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final, Protocol

from receipt_ops.loading.items import Entity, canonical_name
from receipt_sync.keys import EntityKey, EntityType


class Kind(StrEnum):
    """Names what an edit does."""

    MERCHANT = "merchant renamed"
    LINE = "line edited"
    WORD = "word edited"
    NOISE = "noise marked"
    DELETE = "word deleted"


WEIGHTS: Final = {Kind.MERCHANT: 1, Kind.LINE: 3, Kind.WORD: 4, Kind.NOISE: 2, Kind.DELETE: 1}
"""The relative frequency of each kind of edit, roughly that of real editors."""


@dataclass(frozen=True)
class Edit:
    """Hold one write. It sets `fields`; with None it deletes the item."""

    kind: Kind
    key: EntityKey
    fields: Mapping[str, Any] | None


class Editor(Protocol):
    """A store that takes edits."""

    def update(self, key: EntityKey, fields: Mapping[str, Any]) -> bool:
        """Set fields of an item. Return False if there is no such item."""
        ...

    def delete(self, key: EntityKey) -> bool:
        """Delete an item. Return False if there is no such item."""
        ...


def apply(editor: Editor, edit: Edit) -> bool:
    """Make an edit. Return False if its item does not exist."""
    if edit.fields is not None:
        return editor.update(edit.key, edit.fields)
    return editor.delete(edit.key)


def edits(
    entities: Sequence[Entity], randomness: Random, kinds: Mapping[Kind, int] = WEIGHTS
) -> Iterator[Edit]:
    """Yield random edits of some entities without end. The same randomness gives the same edits."""
    by_type = {kind: [e for e in entities if e.key.entity_type is kind] for kind in EntityType}
    of_kind = {
        Kind.MERCHANT: by_type[EntityType.METADATA],
        Kind.LINE: by_type[EntityType.LINE],
        Kind.WORD: by_type[EntityType.WORD],
        Kind.NOISE: by_type[EntityType.LINE],
        Kind.DELETE: by_type[EntityType.WORD],
    }
    possible = [kind for kind in kinds if of_kind[kind]]
    weights = [kinds[kind] for kind in possible]
    while possible:
        (kind,) = randomness.choices(possible, weights)
        yield _edit(kind, randomness.choice(of_kind[kind]), randomness)


def _edit(kind: Kind, entity: Entity, randomness: Random) -> Edit:
    number = randomness.randrange(1_000_000)
    fields: dict[Kind, Mapping[str, Any] | None] = {
        Kind.MERCHANT: _merchant(f"Test Merchant {number}"),
        Kind.LINE: {"text": f"EDITED LINE {number / 100:.2f}"},
        Kind.WORD: {"text": f"EDITED{number}"},
        Kind.NOISE: {"is_noise": bool(number % 2)},
        Kind.DELETE: None,
    }
    return Edit(kind, entity.key, fields[kind])


def _merchant(name: str) -> Mapping[str, Any]:
    return {"merchant_name": name, "canonical_merchant_name": canonical_name(name)}
