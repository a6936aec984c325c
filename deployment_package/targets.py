"""The Python version and the platform for which a package is built."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from deployment_package.errors import PackageError

VARIABLE: Final = "PACKAGE_FOR"
"""Environment variable that chooses the target: `lambda` (the default) or `here`."""


@dataclass(frozen=True)
class Target:
    """A Python version, and the arguments with which the installer chooses wheels for it."""

    python: str
    wheels: tuple[str, ...]


LAMBDA: Final = Target(
    "3.12", ("--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_34")
)
"""Interpreter, processor and C library (Amazon Linux 2023) of the runtime python3.12.

Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html
"""

HERE: Final = Target(
    f"{sys.version_info.major}.{sys.version_info.minor}", ("--python", sys.executable)
)
"""This interpreter. MiniStack runs functions with its own interpreter and ignores Runtime."""


def target_of(environment: Mapping[str, str]) -> Target:
    """Return the target that the environment chooses. Raises PackageError for an unknown one."""
    asked = environment.get(VARIABLE) or "lambda"
    targets = {"lambda": LAMBDA, "here": HERE}
    if asked not in targets:
        raise PackageError(f"{VARIABLE} is {asked!r}: give `lambda`, or `here`, or unset it")
    return targets[asked]
