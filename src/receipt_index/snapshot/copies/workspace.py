"""Folders that belong to one process each, and the removal of folders of dead processes.

A function that is killed leaves its working copies on a disk that the next process shares. Each
folder has a lock file beside it. The lock ends with the process that holds it. So a lock that can
be acquired marks a leftover folder.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOCK: Final = ".lock"


def claim(root: Path, name: str) -> Path:
    """Create the folder `root/name` for this process, and return it.

    It belongs to this process until the process ends. Folders of dead processes are removed first.
    """
    root.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(root)
    pending = root / f"{name}.claim"
    descriptor = os.open(pending, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    pending.rename(root / f"{name}{_LOCK}")  # other processes see the file only after it is locked
    folder = root / name
    folder.mkdir()
    return folder


@contextmanager
def claimed(root: Path, name: str) -> Iterator[Path]:
    """Yield a claimed folder, and remove it at the end of the block."""
    folder = claim(root, name)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_abandoned(root: Path) -> None:
    for lock in root.glob(f"*{_LOCK}"):
        try:
            descriptor = os.open(lock, os.O_RDWR)
        except FileNotFoundError:  # another process removed it first
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its process is alive
            continue
        else:
            folder = root / lock.stem
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():  # otherwise the lock lets a later process find the folder
                lock.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
