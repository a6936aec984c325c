"""Keep the memory small that malloc holds after a cycle.

The threads of a cycle, Chroma's and the compactor's, each allocate from an arena of their own, and
glibc keeps what they free. One arena for all of them has a third of the free memory of sixteen. In
two minutes of steady load, a worker then grew by 11 MiB in place of 22 MiB. malloc returns blocks
of 128 KiB and more as soon as they are freed. By default, glibc raises this size after the first
large block. A size that a program sets stays as it is. malloc_trim(3) returns the rest.
"""

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

GROWTH: Final = 16 * 2**20
"""Bytes of growth that justify a trim, which takes some ten milliseconds."""
_M_ARENA_MAX: Final = -8
_M_MMAP_THRESHOLD: Final = -3
"""Parameters of mallopt(3), from malloc.h."""
_RETURNED_AT_ONCE: Final = 128 * 2**10
"""Bytes from which a block is returned as soon as it is freed. This is glibc's first value."""
_STATM: Final = Path("/proc/self/statm")


class Allocator:
    """Returns free memory. `trim` does so; `resident` returns the bytes that the process takes."""

    def __init__(self, trim: Callable[[], None], resident: Callable[[], int]) -> None:
        self._trim, self._resident = trim, resident
        self._floor: int | None = None

    def give_back(self) -> None:
        """Trim if the process has grown by GROWTH since the last trim."""
        if self._floor is None:
            self._floor = self._resident()
        elif self._resident() > self._floor + GROWTH:
            self._trim()
            self._floor = self._resident()


def this_process() -> Allocator:
    """Return the allocator of this process. Without glibc's malloc, it never trims.

    Call it before the process starts threads, because an arena that exists stays.
    """
    library = ctypes.CDLL(None)
    trim = getattr(library, "malloc_trim", None)
    if trim is None or not _STATM.exists():
        return Allocator(lambda: None, lambda: 0)
    library.mallopt(_M_ARENA_MAX, 1)
    library.mallopt(_M_MMAP_THRESHOLD, _RETURNED_AT_ONCE)
    return Allocator(lambda: trim(0), resident)


def free_memory(limit: int) -> int:
    """Return the bytes of `limit` that this process may still take.

    Pages of files are not counted, because the system reclaims them when it needs them. Without
    /proc, all of `limit` is returned.
    """
    if not _STATM.exists():
        return limit
    resident, shared = map(int, _STATM.read_text().split()[1:3])
    return limit - (resident - shared) * os.sysconf("SC_PAGESIZE")


def resident() -> int:
    """Return the bytes of memory that this process takes.

    Source: proc(5), statm. The second number is the resident size in pages.
    """
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
