"""Decisions of a history. Each depends on the seed and on its own name alone, so that leaving one
fault or event out of a history leaves the others what they were."""

from hashlib import blake2b
from random import Random

_SCALE = 2.0**-64


class Dice:
    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.key = seed.to_bytes(8, "big")

    def roll(self, *name: object) -> float:
        """A number in [0, 1)."""
        digest = blake2b(repr(name).encode(), digest_size=8, key=self.key).digest()
        return int.from_bytes(digest, "big") * _SCALE

    def happens(self, share: float, *name: object) -> bool:
        return share > 0 and self.roll(*name) < share

    def source(self, *name: object) -> Random:
        """A random generator of its own."""
        return Random(f"{self.seed}/{name!r}")
