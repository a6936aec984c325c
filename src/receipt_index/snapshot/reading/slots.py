"""Numbered folders, each held by one process at a time.

A folder stays when its process ends. So a reader that starts again finds what the process before it
fetched. Two readers with the same root hold different numbers, so neither writes into the files of
the other.
"""

import fcntl
import os
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path


class Slot:
    """A folder that this process holds until `release`, or until the process ends."""

    def __init__(self, folder: Path, lock: Path, descriptor: int, made_root: bool) -> None:
        self.folder, self._lock, self._descriptor = folder, lock, descriptor
        self._made_root = made_root

    def release(self, *, remove: bool) -> None:
        """Release the folder to other processes.

        With `remove`, delete the folder first. The root is deleted, too, if this slot created it
        and nothing else is in it.
        """
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock.unlink(missing_ok=True)
            if self._made_root:
                with suppress(OSError):  # the root is not empty
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
    """Open and lock a file, and return its descriptor; None if another process holds it."""
    while True:
        descriptor = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        if _is_still_there(lock, descriptor):
            return descriptor
        os.close(descriptor)  # its holder deleted the file after it was opened here


def _is_still_there(lock: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
