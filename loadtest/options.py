"""The options of a load run, from the command line or from Locust's page."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from math import ceil
from pathlib import Path
from typing import Any, Final, Self

from loadtest.errors import OptionError
from loadtest.kinds import Mix


class Shape(StrEnum):
    """The course of the rate over time."""

    STEADY = "steady"
    RAMP = "ramp"
    SPIKE = "spike"
    SOAK = "soak"
    KNEE = "knee"


SECONDS: Final[Mapping[Shape, float]] = {
    Shape.STEADY: 60,
    Shape.RAMP: 120,
    Shape.SPIKE: 90,
    Shape.SOAK: 3_600,
    Shape.KNEE: 600,
}
"""The usual duration of each shape in seconds. For the knee it is a maximum."""

HELP: Final[Mapping[str, str]] = {
    "rate": "Highest rate of the shape, in changes a second. The knee's search begins at it.",
    "seconds": "Seconds of writing. 0: the usual time of the shape.",
    "writers": "Locust users at the highest rate. 0: one for every five changes a second.",
    "load_shape": "Course of the rate: steady, ramp, spike, soak or knee.",
    "seed": "Seed of all random choices.",
    "receipts": "File of receipts to write, one JSON object a line. Default: synthetic receipts.",
    "base": "Number of receipts that exist before the first change.",
    "lines": "Lines of each synthetic receipt. 0: a random number of lines.",
    "mix": "Weights that replace the usual ones, such as merchant=20,delete=0.",
    "burst": "Number of writes in a burst.",
    "limit": "Seconds after which a change that is not visible counts as never arrived.",
    "aws_table": "Write to this table of the real AWS. DYNAMODB_TABLE must name it too.",
    "out": "Folder for the report and its data.",
}
"""The help text of each option, by the option's name."""


@dataclass(frozen=True)
class Options:
    """The options of a run. Times are in seconds, rates in changes a second.

    Raises:
        OptionError: A value is out of range, the mix is malformed, or the file does not exist.
    """

    rate: float = 100.0
    seconds: float = 0.0
    writers: int = 0
    load_shape: Shape = Shape.STEADY
    seed: int = 1
    receipts: str = ""
    base: int = 50
    lines: int = 0
    mix: str = ""
    burst: int = 10
    limit: float = 60.0
    aws_table: str = ""
    out: str = "build/load"

    def __post_init__(self) -> None:
        Mix.parse(self.mix)
        for name, least in _LEAST.items():
            if not getattr(self, name) >= least:
                raise OptionError(f"--{name} must be at least {least}")
        if self.receipts and not Path(self.receipts).is_file():
            raise OptionError(f"there is no file {self.receipts}: correct --receipts")

    @property
    def duration(self) -> float:
        """The seconds in which users write. For the knee it is a maximum."""
        return self.seconds or SECONDS[self.load_shape]

    @property
    def user_rate(self) -> float:
        """The rate of one user, in changes a second."""
        return self.rate / (self.writers or ceil(self.rate / _CHANGES_A_USER))

    def users_at(self, rate: float) -> int:
        """Return how many users make this many changes a second."""
        return max(1, round(rate / self.user_rate))

    def arguments(self) -> list[str]:
        """Return the options as command-line arguments for the parser of `add_to`."""
        return [
            part
            for field in fields(self)
            for part in (_flag(field.name), str(getattr(self, field.name)))
        ]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the options from parsed arguments, some of which Locust's page sends as text."""
        return cls(**{f.name: _TYPES[f.name](values[f.name]) for f in fields(cls)})


_CHANGES_A_USER: Final = 5
"""The changes a second of one user by default. One user can make five times as many."""
_LEAST: Final = {
    "rate": 0.1, "seconds": 0, "writers": 0, "base": 3, "lines": 0, "burst": 2, "limit": 1,
}  # fmt: skip
_TYPES: Final[Mapping[str, Any]] = {field.name: type(field.default) for field in fields(Options)}
_FIXED: Final = ("seed", "receipts", "base", "lines", "aws_table", "out")
"""Options that Locust's page cannot change: the receipts are loaded before it opens."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the options to Locust's parser. Locust shows them on its page."""
    for field in fields(Options):
        choices: Any = {"choices": list(Shape)} if field.name == "load_shape" else {}
        parser.add_argument(
            _flag(field.name),
            type=_TYPES[field.name],
            default=field.default,
            help=HELP[field.name],
            include_in_web_ui=field.name not in _FIXED,
            **choices,
        )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
