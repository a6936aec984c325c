"""Groups a scan of the table by image. All items of a record belong to the record's image."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import Final, TypeAlias

from compactor.cycle.projection import Item
from receipt_ops.errors import DisorderedScanError
from receipt_sync.keys import EntityKey

_KEYS_A_CHUNK: Final = 2_000

Image: TypeAlias = dict[EntityKey, Item]
"""The decoded items of one image, or of several."""


def images(entities: Iterable[tuple[EntityKey, Item]]) -> Iterator[Image]:
    """Yield the entities of one image after the other.

    Raises DisorderedScanError if the scan returns an image in two parts. Half of an image would
    give a wrong verdict. AWS does not promise the order of a scan, so this function checks it.
    """
    with closing(_Seen()) as seen:
        for image_id, group in groupby(entities, key=lambda entity: entity[0].image_id):
            if not seen.add(image_id):
                raise DisorderedScanError(
                    f"the scan of the table returned image {image_id} in two places: run the "
                    "command again, and report the error if it occurs again"
                )
            yield dict(group)


def chunks(of_images: Iterable[Image]) -> Iterator[Image]:
    """Yield groups of whole images with at least 2,000 entities, for one read of the snapshot."""
    chunk: Image = {}
    for image in of_images:
        chunk |= image
        if len(chunk) >= _KEYS_A_CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk


class _Seen:
    """Remembers images in a temporary file of SQLite, because a table may have millions."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("")
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -8192;"
            "CREATE TABLE image (id TEXT PRIMARY KEY) WITHOUT ROWID"
        )

    def add(self, image_id: str) -> bool:
        """Remember an image. Return False if it is known already."""
        done = self._database.execute("INSERT OR IGNORE INTO image VALUES (?)", (image_id,))
        return done.rowcount == 1

    def close(self) -> None:
        self._database.close()
