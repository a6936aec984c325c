"""The kinds of action that users perform, and how often each is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final, Self

from loadtest.errors import OptionError


class Kind(StrEnum):
    """A kind of action. Its value is its name on Locust's page and in the report."""

    RECEIPT = "new receipt"
    MERCHANT = "merchant correction"
    LINE = "line edit"
    WORD = "word edit"
    VECTOR = "edit with new vector"
    DELETE = "delete"
    BURST = "burst"
    HOT = "hot receipt"
    IRRELEVANT = "irrelevant"


WEIGHTS: Final[Mapping[Kind, float]] = MappingProxyType(
    {
        Kind.RECEIPT: 1,
        Kind.MERCHANT: 2,
        Kind.LINE: 25,
        Kind.WORD: 40,
        Kind.VECTOR: 6,
        Kind.DELETE: 4,
        Kind.BURST: 1,
        Kind.HOT: 12,
        Kind.IRRELEVANT: 20,
    }
)
"""The usual weights: how often each kind is drawn."""


@dataclass(frozen=True)
class Mix:
    """The weight of every kind."""

    weights: Mapping[Kind, float]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the mix of a text such as "merchant=20,delete=0".

        A kind that the text leaves out keeps its usual weight.

        Raises:
            OptionError: A kind is unknown, a weight is no number, or all weights are zero.
        """
        weights = dict(WEIGHTS)
        for part in filter(None, (part.strip() for part in text.split(","))):
            name, _, value = part.partition("=")
            weights[_kind(name.strip())] = _weight(part, value)
        if not any(weight for kind, weight in weights.items() if kind is not Kind.IRRELEVANT):
            raise OptionError("the mix draws no change: give a kind other than irrelevant a weight")
        return cls(weights)

    def draw(self, randomness: Random) -> Kind:
        """Draw one kind."""
        (kind,) = randomness.choices(list(self.weights), list(self.weights.values()))
        return kind


def _kind(name: str) -> Kind:
    try:
        return Kind[name.upper()]
    except KeyError as error:
        known = ", ".join(kind.name.lower() for kind in Kind)
        raise OptionError(f"the mix names {name!r}: the kinds are {known}") from error


def _weight(part: str, value: str) -> float:
    try:
        weight = float(value)
    except ValueError:
        weight = -1.0
    if not 0 <= weight < 1e9:
        raise OptionError(
            f"the mix has the part {part!r}: write a kind and its weight, such as line=25"
        )
    return weight
