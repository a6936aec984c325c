"""Planted bugs of the rebuild of an index."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import receipt_index.snapshot.copies.generation
import receipt_index.snapshot.copies.rebuilding
from receipt_index.records import NewVector, Record
from receipt_index.snapshot.copies.rebuilding import Present, Rebuilding, Rebuilt
from tests.reliability.simulation.environment.paged_index import read_content
from tests.support.fakes.index import InMemoryIndex

_REBUILDING = receipt_index.snapshot.copies.rebuilding


@contextmanager
def rebuild_without_the_last_batch() -> Iterator[None]:
    """Copy all batches except the last one into a new index, and do not compare the two."""
    batches = receipt_index.snapshot.copies.generation._batches

    def shorter(ids: Any) -> Iterator[list[str]]:
        found = list(batches(ids))
        return iter(found[:-1])

    with (
        patch.object(receipt_index.snapshot.copies.generation, "BATCH", 4),
        patch.object(receipt_index.snapshot.copies.generation, "_batches", shorter),
        patch.object(_REBUILDING, "compare", lambda *_: None),
    ):
        yield


@contextmanager
def rebuild_that_loses_a_field() -> Iterator[None]:
    """Copy every record without its text into a new index, and do not compare the two.

    A call of Chroma that has only a part of its effect looks the same.
    """
    new = receipt_index.snapshot.copies.generation._new

    def shorter(*given: Any) -> NewVector:
        made = new(*given)
        kept = {name: value for name, value in made.metadata.items() if name != "text"}
        return replace(made, metadata=kept)

    with (
        patch.object(receipt_index.snapshot.copies.generation, "_new", shorter),
        patch.object(_REBUILDING, "compare", lambda *_: None),
    ):
        yield


def rebuild_from_a_stale_version() -> AbstractContextManager[Any]:
    """Fill a new index from the version that was checked out, without the writes of the cycle."""
    make = Rebuilding._make

    def stale(self: Rebuilding, present: Present, elements: int) -> Rebuilt:
        content, source = read_content(present.folder.parent / "mirror"), InMemoryIndex()
        source.stored_vectors = dict(content.vectors)
        source.records = {
            slot.id: Record(slot.id, slot.metadata, slot.document)
            for slot in content.slots.values()
        }
        return make(self, replace(present, index=source), elements)

    return patch.object(Rebuilding, "_make", stale)
