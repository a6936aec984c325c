"""Feeds a target with mutated inputs. The seed decides the inputs."""

import base64
import traceback
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tests.reliability.fuzz.mutation import mutate
from tests.reliability.fuzz.seeds import seeds_of
from tests.reliability.fuzz.targets import Target

_GENERATIONS = 0.3
"""The share of inputs that are made from earlier inputs and not from sound ones."""
_POOL = 200


class Failure(NamedTuple):
    """An input that broke the contract, and the trace of the error."""

    data: bytes
    trace: str

    def __str__(self) -> str:
        return f"{self.trace}\ninput (base64): {base64.b64encode(self.data).decode()}"


class Fed(NamedTuple):
    """The number of inputs by outcome, and the first that broke the contract."""

    outcomes: Counter[str]
    failure: Failure | None


def feed(target: Target, inputs: int, seed: int) -> Fed:
    """Feed inputs until one breaks the contract."""
    check = target.make()
    outcomes: Counter[str] = Counter()
    for data in _inputs(target, inputs, Random(seed)):
        try:
            outcomes[check(data)] += 1
        except Exception:  # noqa: BLE001 whatever it is, it is the finding
            return Fed(outcomes, Failure(data, traceback.format_exc()))
    return Fed(outcomes, None)


def _inputs(target: Target, count: int, draw: Random) -> Iterator[bytes]:
    pool = seeds_of(target.name)
    yield from pool
    sound, made = len(pool), list(pool)
    for _ in range(count - sound):
        again = draw.random() < _GENERATIONS
        data = mutate(draw.choice(made if again else made[:sound]), target.kind, draw)
        if len(made) < _POOL + sound:
            made.append(data)
        yield data
