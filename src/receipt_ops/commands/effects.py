"""The effects of each command: its reads and writes, the state after Ctrl-C, and its exit codes.

docs/cli.md shows them as a table. Tests compare them with the calls that the commands make.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

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


def _parts(text: str) -> frozenset[Part]:
    return frozenset(Part[name.upper()] for name in text.split())


def _looks(reads: str, *, verdict: bool = False, writes: str = "") -> Effects:
    return Effects(_parts(reads), _parts(writes), verdict=verdict)


_PROBE: Final = Effects(
    _parts("table snapshots deltas queue settings"),
    _parts("table deltas queue"),
    beside="yes: it measures the compactor",
    ctrl_c="it deletes its test receipts first",
    verdict=True,
)
_DEAD_LETTERS_RELEASED: Final = "it releases the dead letters that it holds; sent changes stay sent"
_LOADS: Final = "written items stay; the same call writes them again"

EFFECTS: Final[Mapping[str, Effects]] = {
    "load": Effects(_parts("settings snapshots"), _parts("table deltas queue"), ctrl_c=_LOADS),
    "search": _looks("snapshots"),
    "status": _looks(
        "snapshots settings queue leases logs metrics dead_letters note", verdict=True
    ),
    "verify": _looks("table snapshots deltas queue settings", writes="note", verdict=True),
    "repair": Effects(
        _parts("table snapshots deltas queue settings"),
        _parts("queue deltas"),
        beside="yes: the compactor applies the sent changes",
        ctrl_c="the compactor applies the sent changes; run it again for the rest",
        verdict=True,
    ),
    "compare": Effects(
        _parts("table snapshots deltas dead_letters queue settings"),
        _parts("queue"),
        beside="yes; --peek holds up to 100 messages for 20 s at most",
        ctrl_c="it releases the messages that it holds",
        verdict=True,
    ),
    "stale": _looks("snapshots"),
    "trace": _looks("logs settings dead_letters", verdict=True),
    "logs": _looks("logs settings"),
    "dlq show": _looks("dead_letters settings", verdict=True),
    "dlq explain": _looks("dead_letters settings deltas snapshots", verdict=True),
    "dlq restore": Effects(
        _parts("dead_letters settings deltas snapshots"),
        _parts("deltas"),
        ctrl_c="restored objects stay; it releases the dead letters",
        verdict=True,
    ),
    "dlq redrive": Effects(
        _parts("dead_letters settings deltas snapshots"),
        _parts("queue dead_letters"),
        ctrl_c=_DEAD_LETTERS_RELEASED,
        verdict=True,
    ),
    "dlq drop": Effects(
        _parts("dead_letters settings"),
        _parts("dead_letters"),
        ctrl_c="deleted dead letters are gone; it releases the others",
        verdict=True,
    ),
    "replay": Effects(
        _parts("dead_letters settings stream table snapshots deltas queue"),
        _parts("queue dead_letters deltas"),
        ctrl_c=_DEAD_LETTERS_RELEASED,
        verdict=True,
    ),
    "backfill": Effects(
        _parts("table queue settings snapshots deltas"),
        _parts("queue files"),
        beside="yes: it waits while the compactor is behind",
        ctrl_c="the place file stays, and a later run with --resume continues from it",
        verdict=True,
    ),
    "lock show": _looks("leases settings"),
    "lock release": Effects(
        _parts("leases settings"),
        _parts("leases"),
        beside="yes: a holder that is at work wastes a cycle, but no update is lost (I3)",
        verdict=True,
    ),
    "snapshot show": _looks("snapshots", verdict=True),
    "snapshot history": _looks("snapshots", verdict=True),
    "snapshot restore": Effects(
        _parts("snapshots deltas queue settings"),
        _parts("snapshots queue settings"),
        beside="yes: it switches the queue's mappings off, and on again at its end",
        ctrl_c="the old version or the restored one is published, never a mixture; the mappings "
        "are on again; repair sends the missing deltas",
    ),
    "snapshot gc": Effects(
        _parts("snapshots"),
        _parts("snapshots"),
        beside="yes: a publish in progress keeps the objects that it needs",
        ctrl_c="only garbage is deleted; the other objects stay",
    ),
    "flags show": _looks("settings", verdict=True),
    "flags set": Effects(
        _parts("settings"),
        _parts("settings"),
        ctrl_c="some switches may be set and others not; see `flags show`",
    ),
    "check-config": _looks("settings snapshots", verdict=True),
    "alerts list": _looks("topic", verdict=True),
    "alerts subscribe": _looks("topic", writes="topic"),
    "alerts unsubscribe": _looks("topic", writes="topic"),
    "alerts test": _looks("topic", writes="topic"),
    "cost": _looks("logs settings", writes="files"),
    "smoke": _PROBE,
    "latency": _PROBE,
    "stress": _PROBE,
    "create-test-receipts": Effects(
        _parts("settings snapshots"), _parts("table deltas queue"), ctrl_c=_LOADS
    ),
    "modify-test-receipts": Effects(
        _parts("table settings snapshots"), _parts("table deltas queue"), ctrl_c=_LOADS
    ),
}
"""The effects by the command's name."""


def rows() -> list[str]:
    """Return the table's rows in Markdown, in the order of the declarations."""
    return [
        f"| `{name}` | {_listed(one.reads)} | {_listed(one.writes) or 'nothing'} | {one.beside} | "
        f"{one.ctrl_c} | {', '.join(str(code.value) for code in one.codes)} |"
        for name, one in EFFECTS.items()
    ]


def _listed(parts: frozenset[Part]) -> str:
    return ", ".join(part.value for part in Part if part in parts)
