"""What the functions' processes and the snapshot take, second by second."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil

from local.ministack import recorded
from local.stack import Stack
from local.state import State

_EVERY: Final = 1.0
"""Seconds."""
_STOREKEEPING: Final = 5
"""The bucket is counted at one look of so many."""
GROWTH: Final = 0.15
"""Share by which memory may differ between the second quarter of a run and the last."""
SLACK: Final = 32 * 2**20
"""Bytes that are no leak in themselves: an arena of the allocator more or less."""


@dataclass
class Series:
    """Values over time; `at` is seconds since the start."""

    at: list[float] = field(default_factory=list)
    values: list[int] = field(default_factory=list)

    def add(self, at: float, value: int) -> None:
        self.at.append(at)
        self.values.append(value)

    def quarter(self, number: int) -> int:
        """The median of a quarter of the run, 0 to 3; 0 if there is nothing."""
        size = len(self.values)
        return int(median(self.values[size * number // 4 : size * (number + 1) // 4] or [0]))

    @property
    def is_flat(self) -> bool:
        """Whether the last quarter takes no more than the second one; the first warms up."""
        return self.quarter(3) <= self.quarter(1) * (1 + GROWTH) + SLACK

    def to_json(self) -> dict[str, Any]:
        quarters = [self.quarter(number) for number in range(4)]
        return {"quarters": quarters, "largest": max(self.values, default=0), "flat": self.is_flat}


class Sampler:
    """Looks at a running system, in a thread, for as long as the block lasts."""

    def __init__(self, state: State, stack: Stack) -> None:
        self._state, self._stack = state, stack
        self.memory: dict[str, Series] = {"stream processor": Series(), "compactor": Series()}
        """Resident bytes of a function's largest process."""
        self.working_copies, self.bucket = Series(), Series()
        """Bytes on disk, and in the objects of the snapshots."""
        self._looks = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def is_bounded(self) -> bool:
        """Whether memory stays flat, and the disk too."""
        return all(s.is_flat for s in (*self.memory.values(), self.working_copies, self.bucket))

    def to_json(self) -> dict[str, Any]:
        memory = {f"memory of {name}": series.to_json() for name, series in self.memory.items()}
        disk = {"working copies": self.working_copies.to_json(), "bucket": self.bucket.to_json()}
        return {**memory, **disk}

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._stop.wait(_EVERY):
            at = time.monotonic() - begun
            for name, series in self.memory.items():
                series.add(at, self._resident(name.replace(" ", "-")))
            self.working_copies.add(at, size_of(self._state.working_copies))
            if self._looks % _STOREKEEPING == 0:
                self.bucket.add(at, self._stored())
            self._looks += 1

    def _resident(self, function: str) -> int:
        server = recorded(self._state)
        members = server.group.members() if server else []
        return max((_rss(p) for p in members if _runs(p, f"-{function}-")), default=0)

    def _stored(self) -> int:
        pages = self._stack.clients().s3.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._stack.names.bucket, Prefix="snapshots/")
        return sum(each["Size"] for page in found for each in page.get("Contents", []))


def size_of(folder: Path) -> int:
    """Bytes that the files under a folder take on disk; files may go meanwhile."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += 512 * path.stat().st_blocks
    return total


def _asked(process: psutil.Process, question: Callable[[psutil.Process], Any], else_: Any) -> Any:
    try:
        return question(process)
    except psutil.Error:  # it ended meanwhile
        return else_


def _rss(process: psutil.Process) -> int:
    return int(_asked(process, lambda p: p.memory_info().rss, 0))


def _runs(process: psutil.Process, name: str) -> bool:
    return any(name in word for word in _asked(process, lambda p: p.cmdline(), []))
