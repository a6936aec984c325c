"""The options of a load run: one frozen object, made from the command line or by Locust's page."""

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
    """How the rate goes over time."""

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
"""How long a shape takes unless the caller says otherwise; of the knee, at most."""

HELP: Final[Mapping[str, str]] = {
    "rate": "Changes a second, at the shape's highest; where the knee's search begins.",
    "seconds": "How long to write; 0: the shape's own time.",
    "writers": "Locust users at that rate, who make it together; 0: one for five changes a second.",
    "load_shape": "steady, ramp, spike, soak or knee.",
    "seed": "Of everything that is drawn.",
    "receipts": "Receipts to write, one JSON object a line; made up by default.",
    "base": "Receipts that are there before the first change.",
    "lines": "Lines that a made-up receipt has; 0: as many as it happens to have.",
    "mix": "Weights that differ from the usual ones, such as merchant=20,delete=0.",
    "burst": "Writes that a burst has.",
    "limit": "Seconds after which a change that readers don't see counts as never arrived.",
    "aws_table": "Write to the real AWS, to this table, which DYNAMODB_TABLE must name too.",
    "out": "Folder for the report and its figures.",
}
"""By the name of the option."""


@dataclass(frozen=True)
class Options:
    """Times are seconds. Raises OptionError where values make no sense."""

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
                raise OptionError(f"--{name} must be {least} at least")
        if self.receipts and not Path(self.receipts).is_file():
            raise OptionError(f"there is no file {self.receipts}: mend --receipts")

    @property
    def duration(self) -> float:
        """How long users write; of the knee, at most."""
        return self.seconds or SECONDS[self.load_shape]

    @property
    def user_rate(self) -> float:
        """Changes a second of one user."""
        return self.rate / (self.writers or ceil(self.rate / _CHANGES_A_USER))

    def users_at(self, rate: float) -> int:
        """How many users make this many changes a second."""
        return max(1, round(rate / self.user_rate))

    def arguments(self) -> list[str]:
        """The options as `add_to` reads them."""
        return [
            part
            for field in fields(self)
            for part in (_flag(field.name), str(getattr(self, field.name)))
        ]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """From parsed arguments, or from Locust's page, which gives some as texts."""
        return cls(**{f.name: _TYPES[f.name](values[f.name]) for f in fields(cls)})


_CHANGES_A_USER: Final = 5
"""A second. One user could make five times as many."""
_LEAST: Final = {
    "rate": 0.1, "seconds": 0, "writers": 0, "base": 3, "lines": 0, "burst": 2, "limit": 1,
}  # fmt: skip
_TYPES: Final[Mapping[str, Any]] = {field.name: type(field.default) for field in fields(Options)}
_FIXED: Final = ("seed", "receipts", "base", "lines", "aws_table", "out")
"""What Locust's page can't change: the receipts are there already when it opens."""


def add_to(parser: argparse.ArgumentParser) -> None:
    """Give the options to Locust's parser, which shows them on its page."""
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
