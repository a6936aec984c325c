"""Samples the memory of the functions and the size of the snapshot once a second."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import psutil

from local.ministack.process import recorded
from local.stack import Stack
from local.state import State
from tests.reliability.soak.memory import Memory
from tests.reliability.soak.series import Series

_EVERY: Final = 1.0
"""Seconds."""
_STOREKEEPING: Final = 5
"""The bucket is measured once in this number of samples."""


class Sampler:
    """Samples a running system in a thread during the block."""

    def __init__(self, state: State, stack: Stack) -> None:
        self._state, self._stack = state, stack
        self.memory = {"stream processor": Memory(), "compactor": Memory()}
        self.working_copies, self.bucket = Series(), Series()
        """Bytes on disk, and bytes of the objects of the snapshots."""
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
        """Return whether memory stays flat, and disk and bucket stay bounded."""
        flat = all(memory.is_flat for memory in self.memory.values())
        return flat and self.working_copies.is_bounded and self.bucket.is_bounded

    def to_json(self) -> dict[str, Any]:
        memory = {f"memory of {name}": series.to_json() for name, series in self.memory.items()}
        disk = {"working copies": self.working_copies.to_json(), "bucket": self.bucket.to_json()}
        return {**memory, **disk}

    def _run(self) -> None:
        begun = time.monotonic()
        while not self._stop.wait(_EVERY):
            at = time.monotonic() - begun
            for name, memory in self.memory.items():
                memory.add(at, self._resident(name.replace(" ", "-")))
            self.working_copies.add(at, size_of(self._state.working_copies))
            if self._looks % _STOREKEEPING == 0:
                self.bucket.add(at, self._stored())
            self._looks += 1

    def _resident(self, function: str) -> dict[int, int]:
        """Return the resident bytes of each process of a function, by its id."""
        server = recorded(self._state)
        members = server.group.members() if server else []
        sizes = {p.pid: _rss(p) for p in members if _runs(p, f"-{function}-")}
        return {pid: size for pid, size in sizes.items() if size}

    def _stored(self) -> int:
        pages = self._stack.clients().s3.get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._stack.names.bucket, Prefix="snapshots/")
        return sum(each["Size"] for page in found for each in page.get("Contents", []))


def size_of(folder: Path) -> int:
    """Return the bytes on disk of the files under a folder. Files may disappear meanwhile."""
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
