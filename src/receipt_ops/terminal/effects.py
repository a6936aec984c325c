"""The effects of each command: its reads and writes, the state after Ctrl-C, and its exit codes.

The command table declares them, and docs/cli.md shows them as a table. Tests compare them with the
calls that the commands make.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from receipt_ops.terminal.exit_codes import ExitCode


class Part(StrEnum):
    """Names the parts of the system that commands read or write."""

    TABLE = "table"
    STREAM = "stream"
    QUEUE = "compaction queue"
    DEAD_LETTERS = "dead-letter queues"
    DELTAS = "delta objects"
    SNAPSHOTS = "snapshots"
    NOTE = "note of the last comparison"
    LEASES = "leases"
    SETTINGS = "settings"
    LOGS = "logs"
    METRICS = "metrics"
    TOPIC = "alarm topic"
    FILES = "local files"


@dataclass(frozen=True)
class Effects:
    """Declares a command's effects on the parts. `ctrl_c` says what is left after Ctrl-C."""

    reads: frozenset[Part]
    writes: frozenset[Part] = frozenset()
    beside: str = "yes"
    """Whether the compactor may run meanwhile, and with what effect."""
    ctrl_c: str = "nothing is left"
    verdict: bool = False
    """Whether it may exit with 1. Each command may exit with 0, 2 and 130."""

    @property
    def codes(self) -> list[ExitCode]:
        """Return the exit codes with which the command may end."""
        return [code for code in ExitCode if code is not ExitCode.VERDICT or self.verdict]


def rows(effects: Mapping[str, Effects]) -> list[str]:
    """Return the table's rows in Markdown, in the order of the declarations."""
    return [
        f"| `{name}` | {_listed(one.reads)} | {_listed(one.writes) or 'nothing'} | {one.beside} | "
        f"{one.ctrl_c} | {', '.join(str(code.value) for code in one.codes)} |"
        for name, one in effects.items()
    ]


def _listed(parts: frozenset[Part]) -> str:
    return ", ".join(part.value for part in Part if part in parts)
