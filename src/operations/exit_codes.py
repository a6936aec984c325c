"""The exit codes of every command, in one table."""

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """How a command ended. A program that calls it may go by these alone."""

    DONE = 0
    VERDICT = 1
    FAILURE = 2
    HUNG_UP = 129
    """What a shell expects of a process that SIGHUP ended: 128 and the signal's number."""
    INTERRUPTED = 130
    """The same for Ctrl-C."""
    TERMINATED = 143
    """The same for SIGTERM."""


MEANINGS: Final = {
    ExitCode.DONE: "it is done; what was compared is equal; nothing needs a person",
    ExitCode.VERDICT: (
        "a verdict, such as differences, dead letters, broken rules or a limit that was missed; "
        "each command says which"
    ),
    ExitCode.FAILURE: (
        "a failure: the call, the environment, AWS, the machine, a guard that refuses, a question "
        "that nobody confirmed, or an unexpected error"
    ),
    ExitCode.HUNG_UP: "its terminal closed (SIGHUP)",
    ExitCode.INTERRUPTED: "Ctrl-C ended it",
    ExitCode.TERMINATED: "SIGTERM ended it",
}
"""What each code means, for docs/cli.md."""
