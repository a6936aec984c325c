"""Starts workers, waits for their moment, and kills, stops and wakes them."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import psutil

from tests.reliability.crashes.moments import Moment
from tests.reliability.crashes.worker import Order, work

_CONTEXT: Final = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["tests.reliability.crashes.worker", "compactor.wiring", "chromadb"]
)
_HNSW: Final = frozenset(
    {"data_level0.bin", "header.bin", "length.bin", "link_lists.bin", "index_metadata.pickle"}
)

_FROZEN_WITHIN: Final = 60.0

Files = dict[Path, tuple[int, int]]


class WorkerEndedError(Exception):
    """A worker ended by itself, which is a fault."""


@dataclass
class Worker:
    """One worker process."""

    process: Any
    pipe: Connection
    log: Path
    returned: int = 0
    """Number of messages that it returned to the queue."""
    most_receives: int = 0
    """The largest number of receives of the messages that it got."""

    def wait_for(self, word: str, seconds: float) -> bool:
        """Return whether the worker sent the word in time. Raises WorkerEndedError."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.pipe.poll(max(0.0, end - time.monotonic())):
                break
            if self._receive() == word:
                return True
        return False

    def go_on(self) -> None:
        """Let the worker continue after the moment that it announced."""
        self.pipe.send("go on")

    def kill(self) -> bool:
        """End the worker. Return whether this signal ended it."""
        self.process.kill()
        self.process.join()
        self.pipe.close()
        return bool(self.process.exitcode == -signal.SIGKILL)

    def freeze(self) -> bool:
        """Stop the worker. Return whether it is stopped now."""
        os.kill(self.process.pid, signal.SIGSTOP)
        end = time.monotonic() + _FROZEN_WITHIN
        while time.monotonic() < end:
            if psutil.Process(self.process.pid).status() == psutil.STATUS_STOPPED:
                return True
            time.sleep(0.01)
        return False

    def wake(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Let the worker end after its batch."""
        self.pipe.send("stop")

    def finish(self, seconds: float) -> None:
        """Wait for the end of a worker after `stop`. Kill it if that takes longer."""
        self.process.join(seconds)
        with suppress(WorkerEndedError):
            while self.pipe.poll():
                self._receive()
        self.kill()

    def _receive(self) -> str:
        try:
            word, *counts = self.pipe.recv()
        except (EOFError, ConnectionResetError) as error:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise WorkerEndedError(f"exit code {self.process.exitcode}: {tail}") from error
        if word == "handled":
            self.returned += counts[1]
        elif word == "begun":
            self.most_receives = max(self.most_receives, counts[0])
        return str(word)


class WorkerStarter:
    """Starts workers on one stack. Each has its own log below `folder`."""

    def __init__(self, environment: Mapping[str, str], folder: Path, bug: str | None) -> None:
        self._environment, self._folder, self._bug = environment, folder, bug
        self._started = 0
        self.copies = folder / "copies"
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True)

    def start(self, moment: Moment | None = None, skipped: int = 0) -> Worker:
        self._started += 1
        log = self.logs / f"{self._started:04d}.log"
        log.touch()
        environment = {**self._environment, "WORKING_COPY_ROOT": str(self.copies)}
        ours, theirs = _CONTEXT.Pipe()
        order = Order(environment, log, moment, skipped, self._bug)
        process = _CONTEXT.Process(target=work, args=(theirs, order), daemon=True)
        process.start()
        theirs.close()
        return Worker(process, ours, log)

    def wait_for_persist(self, worker: Worker, seconds: float) -> Files | None:
        """Return the files before a change of a vector index, once a file changes.

        Return None if no file changes in time. The loop never sleeps, because a persist takes only
        some milliseconds. `worker` waits before its first write, and continues here.
        """
        before = self.hnsw_files()
        worker.go_on()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.hnsw_files() != before:
                return before
        return None

    def is_torn(self, before: Files) -> bool:
        """Return whether some files of an index are new while others are old."""
        changed = {path for path, state in self.hnsw_files().items() if before.get(path) != state}
        return any(
            {name for name in _HNSW if folder / name not in changed}
            for folder in {path.parent for path in changed}
        )

    def hnsw_files(self) -> Files:
        """Return the modification time (ns) and size of each file of a vector index."""
        return dict(self._states())

    def _states(self) -> Iterator[tuple[Path, tuple[int, int]]]:
        for path in self.copies.glob("*/working/*/*"):
            if path.name in _HNSW:
                try:
                    state = path.stat()
                except FileNotFoundError:
                    continue
                yield path, (state.st_mtime_ns, state.st_size)
