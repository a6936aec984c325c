"""Faults of every kind, written into published snapshots without a change of the table."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import cycle
from random import Random
from typing import Any, Final

from receipt_index.exact.index import ExactIndex
from receipt_index.records import NewVector
from receipt_sync.keys import Collection
from receipt_sync.sequences import batches
from tests.functional.operator import Operator


class Kind(StrEnum):
    """The kinds of faults. `verify` reports `missing`, `unexpected`, and else `different`."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    TEXT = "another text"
    MERCHANT = "stale merchant on some words only"
    CONTEXT = "stale context"
    LOST = "a field lost"
    ADDED = "a field too many"


_CHANGES: Final[Mapping[Kind, dict[str, Any]]] = {
    Kind.TEXT: {"text": "TAMPERED"},
    Kind.MERCHANT: {"merchant_name": "Before"},
    Kind.CONTEXT: {"next_line_text": "TAMPERED", "next_word_text": "TAMPERED"},
    Kind.LOST: {"is_noise": None},
    Kind.ADDED: {"place_id": "TAMPERED"},
}
_NEXT: Final = {Collection.LINES: "next_word_text", Collection.WORDS: "next_line_text"}
"""The context field that the records of a collection do not have."""
_LINES_SHARE: Final = 0.2
_STRANGER: Final = 90_000
"""The first id of lines and words that no receipt has."""

Planted = dict[Kind, set[str]]


@dataclass(frozen=True)
class _Pool:
    """The records of one collection that have no fault yet, shuffled."""

    index: ExactIndex
    ids: Iterator[str]

    def take(self, count: int) -> list[str]:
        return [next(self.ids) for _ in range(count)]


def plant(
    operator: Operator, faults: int, seed: int, among: Callable[[str], bool] = lambda _: True
) -> Planted:
    """Plant `faults` faults, one kind after the other, and return the ids by kind.

    A fifth of the records are lines. They are drawn from the whole collection, so that only some of
    a receipt's words have a fault. `among` returns whether the record of an id may be drawn.
    """
    kinds = Counter(kind for kind, _ in zip(cycle(Kind), range(faults), strict=False))
    lines = {kind: round(count * _LINES_SHARE) for kind, count in kinds.items()}
    lines[Kind.MERCHANT] = 0
    words = {kind: count - lines[kind] for kind, count in kinds.items()}
    planted: Planted = {kind: set() for kind in Kind}
    for collection, wanted in ((Collection.LINES, lines), (Collection.WORDS, words)):
        with operator.tampering(collection) as index:
            ids = sorted(filter(among, index.ids()))
            Random(seed).shuffle(ids)
            pool = _Pool(index, iter(ids))
            for kind, count in wanted.items():
                planted[kind] |= _PLANTING.get(kind, _change)(collection, kind, pool, count)
    return planted


def _change(collection: Collection, kind: Kind, pool: _Pool, count: int) -> set[str]:
    change = {name: v for name, v in _CHANGES[kind].items() if name != _NEXT[collection]}
    ids = pool.take(count)
    for some in batches(ids, _A_CALL):
        pool.index.update({chroma_id: dict(change) for chroma_id in some})
    return set(ids)


def _take_out(_: Collection, __: Kind, pool: _Pool, count: int) -> set[str]:
    ids = pool.take(count)
    pool.index.delete(ids)
    return set(ids)


def _put_in(_: Collection, __: Kind, pool: _Pool, count: int) -> set[str]:
    """Insert copies of records with ids that no item has. Return the ids."""
    like = pool.take(count)
    vectors, records = pool.index.vectors(like), pool.index.get(like)
    strangers = {i.rsplit("#", 1)[0] + f"#{_STRANGER + n}": i for n, i in enumerate(like)}
    pool.index.insert(
        [
            NewVector(new, vectors[i], records[i].document or "", dict(records[i].metadata))
            for new, i in strangers.items()
        ]
    )
    return set(strangers)


_PLANTING: Final[Mapping[Kind, Callable[[Collection, Kind, _Pool, int], set[str]]]] = {
    Kind.MISSING: _take_out,
    Kind.UNEXPECTED: _put_in,
}
_A_CALL: Final = 500


def findings(planted: Planted) -> dict[str, set[str]]:
    """Return what `verify` must report for each record."""
    same = {kind.value: planted[kind] for kind in (Kind.MISSING, Kind.UNEXPECTED)}
    different = set().union(*(ids for kind, ids in planted.items() if kind.value not in same))
    return {**same, "different": different}


def found_in(verdict: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the ids of a verdict's examples, by the reported kind."""
    found: dict[str, set[str]] = {name: set() for name in ("missing", "unexpected", "different")}
    examples: Sequence[Mapping[str, Any]] = verdict["examples"]
    for example in examples:
        found[example["finding"]].add(example["id"])
    return found
