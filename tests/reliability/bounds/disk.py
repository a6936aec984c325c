"""A folder on a disk of a given size: a tmpfs if mount is allowed, or a watched folder."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOOK_EVERY: Final = 0.1


class Disk:
    """`kind` says how the size is enforced. `overfull` says whether the size was exceeded."""

    def __init__(self, folder: Path, size: int, kind: str) -> None:
        self.folder, self.size, self.kind = folder, size, kind
        self.peak = 0

    @property
    def overfull(self) -> bool:
        return self.peak > self.size

    def look(self) -> None:
        """Measure the used space, and keep the peak."""
        used = 0
        for path in self.folder.rglob("*"):
            try:
                used += 512 * path.stat().st_blocks
            except FileNotFoundError:
                continue  # it went while it was looked at
        self.peak = max(self.peak, used)


@contextmanager
def disk_of(folder: Path, size: int) -> Iterator[Disk]:
    """Make a disk at `folder`. It is removed with its content after the block."""
    folder.mkdir(parents=True)
    mounted = _mount(folder, size)
    disk = Disk(folder, size, "tmpfs" if mounted else "watched folder")
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(disk, stop))
    watcher.start()
    try:
        yield disk
    finally:
        stop.set()
        watcher.join()
        if mounted:
            subprocess.run(["umount", folder], check=True)
        shutil.rmtree(folder)


def _mount(folder: Path, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "bounds", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _watch(disk: Disk, stop: threading.Event) -> None:
    while not stop.wait(_LOOK_EVERY):
        disk.look()
