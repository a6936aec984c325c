"""Groups a scan of the table by image: what a record is computed from is all in its own image."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, TypeAlias

from compactor.projection import Item
from operations.errors import DisorderedScanError
from receipt_sync.keys import EntityKey

_KEYS_A_CHUNK: Final = 2_000

Image: TypeAlias = dict[EntityKey, Item]
"""The decoded items of one image, or of several."""


def images(entities: Iterable[tuple[EntityKey, Item]]) -> Iterator[Image]:
    """The entities of each image in turn. Raises DisorderedScanError if one comes in two parts.

    Half of an image would give a wrong verdict, so the order that a Scan has always had is checked
    and not just trusted.
    """
    seen: set[str] = set()
    for image_id, group in groupby(entities, key=lambda entity: entity[0].image_id):
        if image_id in seen:
            raise DisorderedScanError(
                f"the scan of the table returned image {image_id} in two places: verify again, "
                "and report it if that repeats"
            )
        seen.add(image_id)
        yield dict(group)


def chunks(of_images: Iterable[Image]) -> Iterator[Image]:
    """Whole images together, as many as make a good read of the snapshot."""
    chunk: Image = {}
    for image in of_images:
        chunk |= image
        if len(chunk) >= _KEYS_A_CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk
