"""The exit codes of all commands."""

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """Says how a command ended. A calling program can rely on these codes alone."""

    DONE = 0
    VERDICT = 1
    FAILURE = 2
    HUNG_UP = 129
    """SIGHUP ended the command. Shells use 128 plus the signal's number."""
    INTERRUPTED = 130
    """Ctrl-C (SIGINT) ended the command."""
    TERMINATED = 143
    """SIGTERM ended the command."""


MEANINGS: Final = {
    ExitCode.DONE: "success: the command is done, and it has found no difference and no fault",
    ExitCode.VERDICT: (
        "a verdict, such as differences, dead letters, broken rules or a missed limit; "
        "each command says which"
    ),
    ExitCode.FAILURE: (
        "a failure: the call, the environment, AWS, the machine, an output that can't be written, "
        "a guard that refuses, a missing confirmation, or an unexpected error"
    ),
    ExitCode.HUNG_UP: "its terminal closed (SIGHUP)",
    ExitCode.INTERRUPTED: "Ctrl-C ended it",
    ExitCode.TERMINATED: "SIGTERM ended it",
}
"""The meaning of each code, for docs/cli.md."""
