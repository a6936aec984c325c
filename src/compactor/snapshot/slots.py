"""Numbered folders that outlive their holder, each held by one process at a time.

A reader that starts again finds what the process before it has fetched. Two readers that were given
the same folder hold different numbers, so that neither writes into the files of the other.
"""

import fcntl
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path


class Slot:
    """A folder that is ours until `release` or the end of this process."""

    def __init__(self, folder: Path, lock: Path, descriptor: int, made_root: bool) -> None:
        self.folder, self._lock, self._descriptor = folder, lock, descriptor
        self._made_root = made_root

    def release(self, *, remove: bool) -> None:
        """Let another process have the folder; with `remove`, delete what is in it first."""
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.unlink(missing_ok=True)
            if self._made_root:
                with suppress(OSError):  # something else lies there
                    self.folder.parent.rmdir()
        os.close(self._descriptor)


def claim_slot(root: Path) -> Slot:
    """Claim the folder of the lowest number below `root` that no process holds."""
    made_root = not root.exists()
    root.mkdir(parents=True, exist_ok=True)
    numbers = count(1)
    while True:
        folder = root / f"reader-{next(numbers)}"
        lock = folder.with_suffix(".lock")
        descriptor = _locked(lock)
        if descriptor is not None:
            folder.mkdir(exist_ok=True)
            return Slot(folder, lock, descriptor, made_root)


def _locked(lock: Path) -> int | None:
    """An open and locked file; None if another process holds it."""
    while True:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_still_there(lock, descriptor):
            return descriptor
        os.close(descriptor)  # its holder removed it after we opened it


def _is_still_there(lock: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
