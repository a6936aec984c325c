"""Turns a manifest into the files of its version, and believes nothing that it reads."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from compactor.snapshot.base import restore_base
from compactor.snapshot.compression import digest_of
from compactor.snapshot.manifest import Manifest, pack_name
from compactor.snapshot.pack import apply_pack
from compactor.snapshot.pages import check_sizes, list_files
from compactor.snapshot.store import SnapshotStore
from receipt_sync.errors import SnapshotDamagedError, WorkspaceFullError
from receipt_sync.keys import Collection

_COPIES: Final = 2
"""Every mirror is copied once more, for Chroma to open."""


def materialise(manifest: Manifest, folder: Path, store: SnapshotStore) -> None:
    """Write the files of a version under the empty `folder`, every object of it checked.

    Raises SnapshotDamagedError, and WorkspaceFullError before anything is fetched.
    """
    check_space(manifest, folder)
    restore_base(manifest.base, folder, store)
    apply_packs(manifest, folder, store)
    check_files(manifest, folder)


def apply_packs(manifest: Manifest, folder: Path, store: SnapshotStore, start: int = 0) -> None:
    """Lay the packs from number `start` on over the files of the version before them."""
    for reference in manifest.packs[start:]:
        name = pack_name(reference.digest)
        data = store.read(name, reference.size)
        if len(data) != reference.size or digest_of(data) != reference.digest:
            raise SnapshotDamagedError(f"{name} is not what its name says")
        apply_pack(data, folder, name)


def check_files(manifest: Manifest, folder: Path) -> None:
    """Raise SnapshotDamagedError unless the files are those that the manifest names."""
    sizes = {name: path.stat().st_size for name, path in list_files(folder).items()}
    wrong = sorted(
        name for name in {*sizes, *manifest.files} if sizes.get(name) != manifest.files.get(name)
    )
    if wrong:
        raise SnapshotDamagedError(
            f"the files do not have the sizes that the manifest names: {', '.join(wrong[:3])}"
        )
    check_sizes(folder)


def check_space(manifest: Manifest, folder: Path) -> None:
    """Raise WorkspaceFullError if the disk can't hold the files and their working copy."""
    base = sum(file.size for file in manifest.base.values())
    needed = _COPIES * max(base, sum(manifest.files.values()))
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise WorkspaceFullError(
            f"version {manifest.version} of {manifest.collection} needs {needed:,} bytes in "
            f"{folder}, which has {free:,}: give the function more ephemeral storage"
        )


@contextmanager
def way_back(collection: Collection, manifest: Manifest) -> Iterator[None]:
    """Say of whatever is damaged which version it spoils, and how to get an earlier one back."""
    try:
        yield
    except (SnapshotDamagedError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        rule = str(error) if isinstance(error, SnapshotDamagedError) else "its paths collide"
        raise SnapshotDamagedError(
            f"version {manifest.version} of {collection} can't be read: {rule}. "
            "`receipt-sync snapshot restore` makes an earlier version the newest"
        ) from error
