"""Receipts to be changed for a long time, and the changes."""

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

from local.stack import Stack
from operations.commands.load import sender_of, writer_of
from operations.connection import Connection, connect
from operations.embedding import embed
from operations.items import Entity, entities_of
from operations.loading import load
from operations.readers import snapshot_readers
from operations.synthetic import synthetic_receipts
from operations.trials.editing import Edit, Kind, edits

KINDS: Final = {Kind.MERCHANT: 1, Kind.LINE: 8, Kind.WORD: 12, Kind.NOISE: 10}
"""Without deletions, so that there is as much to change at the end as at the beginning."""
_PATIENCE: Final = 120.0


class NotLoadedError(Exception):
    """The receipts did not come through the pipeline in time."""


def loaded(stack: Stack, count: int, seed: int) -> tuple[Connection, list[Entity]]:
    """Made-up receipts that have come through the whole pipeline. Raises NotLoadedError."""
    connection = connect(stack.variables, Path())
    receipts = list(synthetic_receipts(count, Random(seed)))
    load(receipts, writer_of(connection), sender_of(connection), embed, lambda *_: None)
    entities = [entity for receipt in receipts for entity in entities_of(receipt)]
    wanted = sum(entity.key.collection is not None for entity in entities)
    end = time.monotonic() + _PATIENCE
    with snapshot_readers(connection) as readers:
        while True:
            for reader in readers.values():
                reader.refresh()
            if sum(r.count() for r in readers.values() if r.version) == wanted:
                return connection, entities
            if time.monotonic() > end:
                raise NotLoadedError(f"{wanted} records are not there after {_PATIENCE:g} s")
            time.sleep(0.2)


def changes(entities: list[Entity], seed: int) -> Iterator[Edit]:
    return edits(entities, Random(seed), KINDS)
