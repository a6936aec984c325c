"""Runs external programs without the caller's AWS settings, and explains their failures."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from local.errors import LocalAWSError
from local.quick.names import REGION
from receipt_ops.sdk import CREDENTIAL

_LAST_LINES = 40


class MissingToolError(LocalAWSError):
    """A required program is not on PATH."""


class ToolFailedError(LocalAWSError):
    """A program ended with an error. The message holds the last lines of its output."""


def find_tool(name: str, instead: str) -> str:
    """Return the path of a program. Raises MissingToolError, whose message suggests `instead`."""
    found = shutil.which(name)
    if found is None:
        raise MissingToolError(f"{name} is not on PATH: install it, or {instead}")
    return found


def environment_of(endpoint: str, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of this process, with the AWS variables of the local AWS only."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": CREDENTIAL,
        "AWS_SECRET_ACCESS_KEY": CREDENTIAL,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        **(extra or {}),
    }


@contextmanager
def lines_of(
    command: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> Iterator[Iterator[str]]:
    """Run a command, and pass its output lines to the block while it runs.

    Raises ToolFailedError at the end of the block if the command failed.
    """
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output: list[str] = []
        yield _remembering(process.stdout, output)
        output += process.stdout  # The lines that the block did not read.
    if process.returncode != 0:
        last = "".join(output[-_LAST_LINES:]).strip()
        raise ToolFailedError(
            f"`{' '.join(command[:3])} …` ended with {process.returncode}:\n{last}"
        )


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Run a command to its end. Raises ToolFailedError."""
    with lines_of(command, folder, environment):
        pass


def _remembering(lines: Iterator[str], output: list[str]) -> Iterator[str]:
    for line in lines:
        output.append(line)
        yield line
