"""Runs the commands of a part of the proof."""

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
    """A part of the proof did not run to its end, and therefore has no figures."""


def run(arguments: Sequence[str], python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run `python` with these arguments in the folder of the project. Accept every exit status."""
    return subprocess.run(
        [python, *arguments],
        cwd=PROJECT,
        env={**os.environ, **_SAME_IN_EVERY_RUN},
        capture_output=True,
        text=True,
        check=False,
    )


def figures(arguments: Sequence[str], python: str = sys.executable) -> Any:
    """Return the JSON that a command prints. The command may end with 1 if something was lost.

    Raises PartFailedError if it prints no JSON.
    """
    done = run(arguments, python)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise PartFailedError(
            f"`{said(arguments)}` ended with {done.returncode}: {done.stderr[-1500:]}"
        ) from error


def said(arguments: Sequence[str]) -> str:
    """Return the command as an engineer types it."""
    return " ".join((_PYTHON, *(argument for argument in arguments if argument != "--json")))
