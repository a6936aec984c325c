"""The script of one history: the conditions, the events, and the possible faults."""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tests.reliability.simulation.faults.faults import Kind, Target

SECRET: Final = "geheim"
"""The start of every receipt text, so that a text in a wrong place is found (I8)."""

STEPS: Final = (
    "changes.send", "stream-dlq.park",
    "delta.get", "lock.acquire", "lock.extend", "lock.release",
    "manifest.get", "block.get", "pack.get", "index.open", "index.get",
    "table.get", "table.query",
    "index.update", "index.insert", "index.replace", "index.delete",
    "block.put", "pack.put", "manifest.swap", "objects.delete",
    "compaction-dlq.park", "queue.receive", "queue.delete",
)  # fmt: skip
"""Every call to the environment that a cycle, a drain or a stream batch makes."""

RARE: Final = {
    "queue.receive": "drain",
    "queue.delete": "drain",
    "compaction-dlq.park": "poison",
    "stream-dlq.park": "malformed",
    "index.delete": "remove",
}
"""Steps that few histories reach, and the event that leads to each."""
LATE: Final = ("objects.delete", "lock.extend")

ANSWERABLE: Final = (
    "lock.acquire", "lock.extend", "lock.release", "manifest.swap", "objects.delete",
)  # fmt: skip
"""Writes whose result the caller can find out later or does not need."""
HARMLESS: Final = frozenset(
    {"put", "burst", "flip", "remove", "malformed", "foreign", "embed", "poison", "redrive"}
)
"""Events that cause no message to be returned."""

LENGTH: Final = 240.0
"""Seconds during which events occur."""


class Event(NamedTuple):
    """An event at a given time. `name` identifies it in a replay."""

    name: str
    at: float
    action: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_shown(value)}" for name, value in self.arguments.items())
        return f"{self.at:9.2f} s  {self.action}({shown})   [{self.name}]"


def _shown(value: Any) -> str:
    """Return keys and items as short readable text."""
    match value:
        case (str(pk), str(sk)):
            return f"{pk.removeprefix('IMAGE#')} {sk.removeprefix('RECEIPT#')}"
        case tuple():
            return "[" + "; ".join(map(_shown, value)) + "]"
        case dict():
            fields = (f"{n}: {next(iter(v.values()))!r}" for n, v in value.items() if n[1:] != "K")
            return "{" + ", ".join(fields) + "}"
    return repr(value)


@dataclass(frozen=True)
class Conditions:
    """The constant conditions of a history, and its first settings."""

    workers: int
    messages_a_batch: int
    records_a_batch: int
    window: float
    visibility: float
    max_receives: int
    lease: float
    retention: float
    skew: float
    query_page: int
    keys_a_read: int
    records_a_slice: int
    max_packs: int
    rebase_floor: int
    block_size: int
    doubled: float
    delayed: float
    cold: float
    """Share of the invocations that find no warm process."""
    rates: dict[Kind, float]
    targets: tuple[Target, ...]
    server: bool = False
    """Whether the target is a Chroma server instead of a directory that is published as a
    snapshot.
    """
    only_lost_answers: bool = False
    """Whether lost answers of writes are the only faults. Every completed write must then count."""
    has_deadly_message: bool = False
    """Whether one message kills each worker that applies it. Nothing else then has a fault."""


@dataclass(frozen=True)
class Script:
    """The conditions and events of a seed."""

    seed: int
    conditions: Conditions
    events: tuple[Event, ...]
    kept_faults: frozenset[str] | None = field(default=None)
