"""Check whether there is enough time and memory for a new base.

A new base is the one publish whose cost is that of the whole snapshot. If time or memory is short,
the publish stores a pack instead, and reports that. So a base never ends a worker that has enough
time and memory for a pack.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from receipt_index.snapshot.copies.base import BASE_MEMORY
from receipt_index.snapshot.format.pages import list_files
from receipt_sync.deadline import Deadline

_BYTES_A_SECOND: Final = 25 * 2**20
"""A quarter of the bytes that one processor digests, compresses and sends in a second."""
_SECONDS: Final = 2.0
"""Time for the manifest, and for the steps after it."""


class Room(NamedTuple):
    """The time and memory that a publish may take. Without a deadline, time is not limited."""

    deadline: Deadline | None
    free_memory: Callable[[], int]
    """Returns the bytes that the process may still allocate."""


def without_limit() -> int:
    """Return more bytes than any machine has, for a process that nothing limits."""
    return 1 << 62


def lacking(folder: Path, room: Room) -> str | None:
    """Return the time or memory that a new base lacks, as text; None if it lacks nothing.

    The base is that of the files under `folder`.
    """
    size = sum(path.stat().st_size for path in list_files(folder).values())
    seconds = _SECONDS + size / _BYTES_A_SECOND
    if room.deadline is not None and room.deadline.remaining() < seconds:
        return f"a new base needs {seconds:.0f} s, but {room.deadline.remaining():.0f} s are left"
    free = room.free_memory()
    if free < BASE_MEMORY:
        return f"a new base needs {BASE_MEMORY >> 20} MiB of memory, but {free >> 20} MiB are free"
    return None
