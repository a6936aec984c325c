"""Deltas as their producers sent them."""

from collections.abc import Mapping
from typing import NamedTuple

from receipt_sync.keys import Collection


class Sent(NamedTuple):
    """id → the text that was embedded, and its vector's bytes; `tick` is when it was sent."""

    collection: Collection
    tick: int
    content: Mapping[str, tuple[str, bytes]]
