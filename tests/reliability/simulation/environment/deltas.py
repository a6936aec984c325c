"""The deltas that the producers sent."""

from collections.abc import Mapping
from typing import NamedTuple

from receipt_sync.keys import Collection


class Sent(NamedTuple):
    """Maps each id to its embedded text and the bytes of its vector.

    `tick` is the time of sending.
    """

    collection: Collection
    tick: int
    content: Mapping[str, tuple[str, bytes]]
