"""The search for the lines or words of the published snapshot that are nearest to a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from receipt_index.deltas import Vectors
from receipt_index.records import STALE, Match
from receipt_ops.loading.embed import Embed
from receipt_sync.keys import EntityKey, parse_chroma_id


class Searchable(Protocol):
    """A published collection that can be searched."""

    def search(
        self, vector: Vectors, limit: int, where: Mapping[str, Any] | None = None
    ) -> list[Match]: ...


@dataclass(frozen=True)
class Hit:
    """Holds one line or word. `distance` is the cosine distance of its vector, 0 at best.

    `stale` is true if the text changed after its vector was made. The distance is then to the old
    text.
    """

    text: str | None
    merchant: str | None
    key: EntityKey
    distance: float
    stale: bool
    id: str

    def to_json(self) -> dict[str, Any]:
        """Return the fields, with the ids of the key in its place."""
        fields: dict[str, Any] = {}
        for name, value in vars(self).items():
            fields |= value._asdict() if name == "key" else {name: value}
        return fields


def search(
    snapshot: Searchable, embed: Embed, text: str, limit: int, merchant: str | None = None
) -> Sequence[Hit]:
    """Return the `limit` nearest records, nearest first, of one merchant or of all.

    `merchant` must equal a merchant_name or a canonical_merchant_name exactly.
    """
    matches = snapshot.search(embed([text])[0], limit, _of_merchant(merchant))
    return [_hit(match) for match in matches]


def _of_merchant(merchant: str | None) -> dict[str, Any] | None:
    if merchant is None:
        return None
    return {"$or": [{"merchant_name": merchant}, {"canonical_merchant_name": merchant}]}


def _hit(match: Match) -> Hit:
    metadata = match.record.metadata
    return Hit(
        text=metadata.get("text"),
        merchant=metadata.get("merchant_name"),
        key=parse_chroma_id(match.record.id),
        distance=max(0.0, match.distance),  # Rounding may give a value just below 0.
        stale=metadata.get(STALE) is True,
        id=match.record.id,
    )
