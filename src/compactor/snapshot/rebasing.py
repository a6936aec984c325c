"""Whether there is room for a new base, the one publish whose cost is that of the whole snapshot.

A publish without room stores a pack instead, as the publishes before it did, and says so. So a
worker that fits for a pack is never ended by a base.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from compactor.snapshot.base import BASE_MEMORY
from compactor.snapshot.pages import list_files
from receipt_sync.deadline import Deadline

_BYTES_A_SECOND: Final = 25 * 2**20
"""A quarter of what one processor digests, compresses and sends."""
_SECONDS: Final = 2.0
"""For the manifest, and for what comes after it."""


class Room(NamedTuple):
    """What a publish may take. No deadline: it may take any time."""

    deadline: Deadline | None
    free_memory: Callable[[], int]
    """Bytes that the process may still take."""


def without_limit() -> int:
    """Return more bytes than any machine has: nothing limits the process."""
    return 1 << 62


def lacking(folder: Path, room: Room) -> str | None:
    """Return what a new base of the files under `folder` lacks, None if it lacks nothing."""
    size = sum(path.stat().st_size for path in list_files(folder).values())
    seconds = _SECONDS + size / _BYTES_A_SECOND
    if room.deadline is not None and room.deadline.remaining() < seconds:
        return f"{seconds:.0f} s, and {room.deadline.remaining():.0f} s are left"
    free = room.free_memory()
    if free < BASE_MEMORY:
        return f"{BASE_MEMORY >> 20} MiB of memory, and {free >> 20} MiB are free"
    return None
