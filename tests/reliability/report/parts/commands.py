"""Runs the commands that a part of the proof is made of."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from local.state import PROJECT

_PYTHON: Final = "python"
_SAME_IN_EVERY_RUN: Final = {"PYTHONHASHSEED": "0"}


class PartFailedError(Exception):
    """A part of the proof could not be run to its end, so that it has no figures."""


def run(arguments: Sequence[str], python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """`python` with these arguments, in the project's folder; whatever its exit status."""
    return subprocess.run(
        [python, *arguments],
        cwd=PROJECT,
        env={**os.environ, **_SAME_IN_EVERY_RUN},
        capture_output=True,
        text=True,
        check=False,
    )


def figures(arguments: Sequence[str], python: str = sys.executable) -> Any:
    """The JSON that a command prints of itself; it may end with 1 if something was lost.

    Raises PartFailedError if it prints none.
    """
    done = run(arguments, python)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise PartFailedError(
            f"`{said(arguments)}` ended with {done.returncode}: {done.stderr[-1500:]}"
        ) from error


def said(arguments: Sequence[str]) -> str:
    """The command as one would type it."""
    return " ".join((_PYTHON, *(argument for argument in arguments if argument != "--json")))
