"""Replaces the environment of all production modules by the simulated one.

The handlers, the wiring and the adapters over boto3's calls stay those of production.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

import compactor.handler
import compactor.powertools_breaker
import compactor.wiring
import receipt_index.server.index
import receipt_index.snapshot.copies.layers
import receipt_index.snapshot.copies.mtime_marks
import receipt_index.snapshot.copies.rebuilding
import receipt_index.snapshot.reading.reader
import receipt_index.snapshot.reading.turns
import stream_processor.handler
from receipt_index.exact.index import ExactIndex
from receipt_index.server.index import directly
from receipt_index.snapshot.copies.working_copy import WorkingCopy
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection
from tests.reliability.simulation.environment.paged_index import PagedIndex
from tests.reliability.simulation.environment.threads import Clock, InlineExecutor, Threading

_PRODUCTION = (
    "compactor",
    "receipt_functions",
    "receipt_index",
    "receipt_ops",
    "receipt_sync",
    "stream_processor",
)


class Current:
    """Holds the current system. The production modules are patched once for all systems."""

    system: Any = None


CURRENT = Current()


class _WatchedCopy(WorkingCopy):
    """A working copy whose checkout must equal the published version byte by byte (I6)."""

    def checkout(self, deadline: Deadline | None = None) -> Any:
        index = super().checkout(deadline)
        assert isinstance(index, ExactIndex)
        CURRENT.system.checked_out(self._collection, self.version, index.plain)
        return index


@contextmanager
def installed() -> Iterator[Current]:
    """Run production code in the simulated environment for the block."""
    replaced = {
        "boto3": SimpleNamespace(client=lambda service, **_: CURRENT.system.client(service)),
        "ThreadPoolExecutor": InlineExecutor,
        "ChromaIndex": _open_index,
        "SystemClock": lambda: Clock(CURRENT.system.scheduler),
        "SystemRandom": _of_system("randomness"),
        "claim": lambda root, name: CURRENT.system.claim(name),
        "claim_slot": _of_system("claim_slot"),
        "WorkingCopy": _WatchedCopy,
        "list_files": _list_files,
    }
    with _Patches() as patches:
        for module in _modules():
            for name, stand_in in replaced.items():
                if (
                    name in vars(module)
                    and module.__name__ != "receipt_index.snapshot.copies.working_copy"
                ):
                    patches.set(module, name, stand_in)
        patches.set(receipt_index.server.index, "ServerIndexes", lambda *_: CURRENT.system.server)
        patches.set(compactor.powertools_breaker, "shared_state", lambda *_: None)
        patches.set(compactor.powertools_breaker, "breaker", lambda *_: directly)
        patches.set(compactor.wiring, "uuid", SimpleNamespace(uuid4=_of_system("uuid")))
        heartbeat = sys.modules["compactor.locking.heartbeat"]
        patches.set(heartbeat, "threading", _Delegate(lambda: Threading(CURRENT.system.scheduler)))
        for module in (
            receipt_index.snapshot.copies.layers,
            receipt_index.snapshot.copies.rebuilding,
            sys.modules["receipt_index.snapshot.copies.working_copy"],
        ):
            quick = SimpleNamespace(**{**vars(shutil), "rmtree": _remove_tree})
            patches.set(module, "shutil", quick)
        patches.set(receipt_index.snapshot.copies.mtime_marks, "_marks", _Counter("mtime_marks"))
        patches.set(receipt_index.snapshot.reading.turns, "_numbers", _Counter("folder_numbers"))
        patches.set(compactor.handler, "_worker", _of_system("worker"))
        patches.set(compactor.handler, "_telemetry", _of_system("telemetry"))
        handler = stream_processor.handler
        patches.set(handler, "_processor", _of_system("stream_processor"))
        patches.set(handler, "_telemetry", _of_system("telemetry"))
        patches.set(handler, "_CLOCK", _Delegate(lambda: Clock(CURRENT.system.scheduler)))
        yield CURRENT


def set_sizes(
    *, keys_a_read: int, records_a_slice: int, max_packs: int, rebase_floor: int, block_size: int
) -> None:
    """Set production's limits to the sizes of this history. `sizes_kept` restores them."""
    sizes = {
        "_GET_LIMIT": keys_a_read,
        "MOST_RECORDS": records_a_slice,
        "MAX_PACKS": max_packs,
        "REBASE_FLOOR": rebase_floor,
        "BLOCK_SIZE": block_size,
        "REBUILD_FLOOR": 6,
        # A worker that waits for a lease asks less often. Nothing else changes.
        "_LONGEST_PAUSE": 8.0,
    }
    for module, name in _sized():
        setattr(module, name, sizes[name])


@contextmanager
def sizes_kept() -> Iterator[None]:
    """Restore production's sizes at the end of the block."""
    before = [(module, name, getattr(module, name)) for module, name in _sized()]
    try:
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


class _Patches:
    """Applies patch.object to many names, and stops all patches at the end."""

    def __init__(self) -> None:
        self._active: list[Any] = []

    def __enter__(self) -> "_Patches":
        return self

    def __exit__(self, *_: object) -> None:
        for one in reversed(self._active):
            one.stop()

    def set(self, module: Any, name: str, value: Any) -> None:
        one = patch.object(module, name, value)
        one.start()
        self._active.append(one)


class _Delegate:
    """A module or object that is looked up again at each use."""

    def __init__(self, present: Any) -> None:
        self._present = present

    def __getattr__(self, name: str) -> Any:
        return getattr(self._present(), name)


class _Counter:
    """A counter of which each process has its own. It counts for the running process."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __next__(self) -> int:
        number: int = next(getattr(CURRENT.system.counters(), self._name))
        return number


def _list_files(folder: Path) -> dict[str, Path]:
    """Return the result of production's function without pathlib's glob.

    The glob would take a third of a history's time.
    """
    top = str(folder)
    return {name: _path(top, name) for name in sorted(_files_under(top, ""))}


def _files_under(folder: str, prefix: str) -> list[str]:
    found: list[str] = []
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return found
    with entries:
        for entry in entries:
            if entry.is_dir():
                found += _files_under(entry.path, f"{prefix}{entry.name}/")
            else:
                found.append(prefix + entry.name)
    return found


@lru_cache(maxsize=4096)
def _path(folder: str, name: str) -> Path:
    return Path(folder, name)


def _remove_tree(folder: Path, ignore_errors: bool = False) -> None:
    """Remove a folder like shutil.rmtree. No other process can put a link into these folders."""
    try:
        _empty(str(folder))
    except OSError:
        if not ignore_errors:
            raise


def _empty(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _empty(entry.path)
            else:
                os.unlink(entry.path)  # noqa: PTH108 for speed
    os.rmdir(folder)  # noqa: PTH106 for speed


def _of_system(name: str) -> Callable[..., Any]:
    """Return a function that calls the named method of the current system."""

    def call(*arguments: Any) -> Any:
        return getattr(CURRENT.system, name)(*arguments)

    return call


def _open_index(path: Path, collection: Collection) -> PagedIndex:
    return PagedIndex(path, CURRENT.system.gate, CURRENT.system.refused_ids)


def _modules() -> list[Any]:
    return [m for name, m in sorted(sys.modules.items()) if name.split(".")[0] in _PRODUCTION]


_SIZES: Final = (
    "_GET_LIMIT",
    "MOST_RECORDS",
    "MAX_PACKS",
    "REBASE_FLOOR",
    "BLOCK_SIZE",
    "REBUILD_FLOOR",
    "_LONGEST_PAUSE",
)


@lru_cache(maxsize=1)
def _sized() -> list[tuple[Any, str]]:
    return [(module, name) for module in _modules() for name in _SIZES if name in vars(module)]
