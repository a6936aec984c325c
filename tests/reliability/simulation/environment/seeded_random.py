"""The random decisions of a history.

Each decision depends only on the seed and on its own name. If a fault or an event is left out of a
history, the other decisions stay the same.
"""

from hashlib import blake2b
from random import Random

_SCALE = 2.0**-64


class SeededRandom:
    """Draws the decisions of one seed."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.key = seed.to_bytes(8, "big")

    def fraction(self, *name: object) -> float:
        """Return a number in [0, 1)."""
        digest = blake2b(repr(name).encode(), digest_size=8, key=self.key).digest()
        return int.from_bytes(digest, "big") * _SCALE

    def happens(self, share: float, *name: object) -> bool:
        return share > 0 and self.fraction(*name) < share

    def source(self, *name: object) -> Random:
        """Return a random generator for this name."""
        return Random(f"{self.seed}/{name!r}")
