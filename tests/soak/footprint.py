"""What the system takes up while it works: memory of its workers, disk, objects, backlog."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil  # type: ignore[import-untyped]

from local.ministack import recorded
from local.stack import Stack
from local.state import State
from operations.settling import queue_backlog

MIB: Final = 2**20


@dataclass(frozen=True)
class Sample:
    """One look. Memory, disk and bucket are MiB; `waiting` counts messages; `at` is seconds."""

    at: float
    stream_processor: float
    compactor: float
    disk: float
    bucket: float
    objects: int
    waiting: int


class Footprint:
    """Takes a sample now and then, in a thread of its own."""

    def __init__(self, stack: Stack, state: State) -> None:
        self._stack, self._state = stack, state
        self._clients = stack.clients()
        self._begun = time.monotonic()
        self.samples: list[Sample] = []

    @contextmanager
    def watched(self, every: float) -> Iterator[None]:
        """Sample for the block, and once at its end. Raises what a sample raised."""
        over = threading.Event()

        def watch() -> None:
            while not over.wait(every):
                self.sample()

        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(watch)
            try:
                yield
            finally:
                over.set()
            watching.result()
        self.sample()

    def sample(self) -> Sample:
        sizes = list(self._objects())
        backlog = queue_backlog(self._clients.sqs, self._stack.queues.compaction.url)
        one = Sample(
            at=round(time.monotonic() - self._begun, 1),
            stream_processor=self._memory(self._stack.names.stream_processor),
            compactor=self._memory(self._stack.names.compactor),
            disk=_size(self._state.working_copies) / MIB,
            bucket=sum(sizes) / MIB,
            objects=len(sizes),
            waiting=backlog.waiting + backlog.in_flight,
        )
        self.samples.append(one)
        return one

    def _memory(self, function: str) -> float:
        """MiB of the largest process of a function; 0 while none runs."""
        mark = f"ministack-lambda-{function}-"
        sizes = [0]
        server = recorded(self._state)
        assert server is not None
        for process in psutil.Process(server.pid).children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if any(mark in word for word in process.cmdline()):
                    sizes.append(process.memory_info().rss)
        return max(sizes) / MIB

    def _objects(self) -> Iterator[int]:
        pages = self._clients.s3.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._stack.names.bucket, Prefix="snapshots/"):
            yield from (one["Size"] for one in page.get("Contents", []))

    def to_json(self) -> dict[str, Any]:
        return {
            "samples": [asdict(one) for one in self.samples],
            **{f"{name}_growth": round(self.growth(name), 3) for name in GROWING},
            **{f"most_{name}": round(self.most(name), 1) for name in (*GROWING, "waiting")},
        }

    def most(self, name: str) -> float:
        return float(max(getattr(one, name) for one in self.samples))

    def growth(self, name: str) -> float:
        """The last quarter's median over the second quarter's: the first one warms up."""
        values = [float(getattr(one, name)) for one in self.samples]
        quarter = len(values) // 4
        early, late = values[quarter : 2 * quarter], values[-quarter:]
        return median(late) / max(median(early), 1.0) if quarter else 1.0


GROWING: Final = ("stream_processor", "compactor", "disk", "bucket")
"""What must not grow with the time that it runs."""


def _size(folder: Path) -> int:
    """Bytes of the files below; one that goes meanwhile counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            total += path.stat().st_size
    return total
