"""Check whether the disk can hold what is about to be written."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.format.pages import list_files
from receipt_sync.errors import WorkspaceFullError

_BLOCK: Final = 512  # bytes in a unit of st_blocks, for every file system
_FULL: Final = {errno.ENOSPC, errno.EDQUOT}


def check_copies(manifest: Manifest, room: Path, copies: int) -> None:
    """Raise WorkspaceFullError if `room` can't hold this many copies of a version.

    Files that are already there count as free space, because they are overwritten in place.
    """
    base = sum(file.size for file in manifest.base.values())
    needed = copies * max(base, sum(manifest.files.values()))
    there = sum(_BLOCK * path.stat().st_blocks for path in list_files(room).values())
    free = shutil.disk_usage(room).free + there
    if needed > free:
        raise WorkspaceFullError(
            f"version {manifest.version} of {manifest.collection} needs {needed:,} bytes in "
            f"{room}, which has {free:,}"
        )


def check_free(needed: int, room: Path) -> None:
    """Raise WorkspaceFullError if the disk has less than `needed` bytes free."""
    free = shutil.disk_usage(room).free
    if needed > free:
        raise WorkspaceFullError(
            f"a refresh needs {needed:,} bytes more in {room}, which has {free:,}"
        )


@contextmanager
def full_disk_explained(room: Path) -> Iterator[None]:
    """Raise WorkspaceFullError if a write inside the block finds the disk full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise WorkspaceFullError(f"the disk of {room} is full") from error
