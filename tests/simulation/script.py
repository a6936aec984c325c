"""One history as the seed writes it: the surroundings, the events, and what may go wrong."""

from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from tests.simulation.faults import Kind, Target

SECRET: Final = "geheim"
"""What every text of a receipt begins with, so that one shows wherever it should not be (I8)."""

STEPS: Final = (
    "changes.send", "stream-dlq.park",
    "delta.get", "lock.acquire", "lock.extend", "lock.release",
    "manifest.get", "block.get", "pack.get", "index.open", "index.get",
    "table.get", "table.query",
    "index.update", "index.insert", "index.replace", "index.delete",
    "block.put", "pack.put", "manifest.swap", "objects.delete",
    "compaction-dlq.park", "queue.receive", "queue.delete",
)  # fmt: skip
"""Every call to the outside that a cycle, a drain or a stream batch makes."""

RARE: Final = {
    "queue.receive": "drain",
    "queue.delete": "drain",
    "compaction-dlq.park": "poison",
    "stream-dlq.park": "malformed",
    "index.delete": "remove",
}
"""Steps that few histories come to, and what leads there."""
LATE: Final = ("objects.delete", "lock.extend")

ANSWERABLE: Final = (
    "lock.acquire", "lock.extend", "lock.release", "manifest.swap", "objects.delete",
)  # fmt: skip
"""Writes of which the caller can find out whether they were done, or need not know."""
HARMLESS: Final = frozenset(
    {"put", "burst", "flip", "remove", "malformed", "foreign", "embed", "poison", "redrive"}
)
"""Events that give nobody a reason to return a message."""

LENGTH: Final = 240.0
"""Seconds of writing."""


class Event(NamedTuple):
    """Something that happens at a given time. `name` identifies it in a replay."""

    name: str
    at: float
    action: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={_shown(value)}" for name, value in self.arguments.items())
        return f"{self.at:9.2f} s  {self.action}({shown})   [{self.name}]"


def _shown(value: Any) -> str:
    """Keys and items as short as they can be read."""
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
class Surroundings:
    """What does not change in a history, and the settings that it begins with."""

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
    """Share of invocations that find no warm process."""
    rates: dict[Kind, float]
    targets: tuple[Target, ...]
    server: bool = False
    """The target is a Chroma server, and not a directory that is published as a snapshot."""
    only_lost_answers: bool = False
    """Nothing goes wrong but that answers of writes are lost: all that was done must count."""


@dataclass(frozen=True)
class Script:
    seed: int
    surroundings: Surroundings
    events: tuple[Event, ...]
    kept_faults: frozenset[str] | None = field(default=None)
