"""Turns a manifest into the files of its version, and believes nothing that it reads."""

import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from compactor.snapshot.base import restore_base
from compactor.snapshot.compression import digest_of
from compactor.snapshot.manifest import Manifest, PackReference, pack_name
from compactor.snapshot.pack import apply_pack
from compactor.snapshot.pages import check_sizes, list_files
from compactor.snapshot.store import SnapshotStore
from compactor.snapshot.tally import Tally, Tell, tell_nobody
from receipt_sync.errors import SnapshotDamagedError, WorkspaceFullError
from receipt_sync.keys import Collection

_PACKS_AT_A_TIME: Final = 8
_COPIES: Final = 2
"""Every mirror is copied once more, for Chroma to open."""


def materialise(
    manifest: Manifest, folder: Path, store: SnapshotStore, tell: Tell = tell_nobody
) -> None:
    """Make the files under `folder` those of a version, every object of it checked.

    What is there may be another version's, or anything. Raises SnapshotDamagedError, and
    WorkspaceFullError before anything is fetched.
    """
    check_space(manifest, folder)
    blocks = sum(len(file.blocks) for file in manifest.base.values())
    tally = Tally(blocks + len(manifest.packs), tell)
    restore_base(manifest.base, folder, store, tally)
    apply_packs(manifest.packs, folder, store, tally)
    check_files(manifest, folder)


def apply_packs(
    packs: Sequence[PackReference], folder: Path, store: SnapshotStore, tally: Tally
) -> None:
    """Lay packs over the files of the version before the first of them.

    A few are fetched side by side, and laid on in their order.
    """
    for start in range(0, len(packs), _PACKS_AT_A_TIME):
        some = packs[start : start + _PACKS_AT_A_TIME]
        for reference, data in zip(some, _fetched(some, store), strict=True):
            apply_pack(data, folder, pack_name(reference.digest))
            tally.one_more()


def _fetched(packs: Sequence[PackReference], store: SnapshotStore) -> list[bytes]:
    if len(packs) == 1:  # what a warm worker or reader lacks, most of the time
        return [_fetch(packs[0], store)]
    with ThreadPoolExecutor(_PACKS_AT_A_TIME) as pool:
        return list(pool.map(lambda reference: _fetch(reference, store), packs))


def _fetch(reference: PackReference, store: SnapshotStore) -> bytes:
    name = pack_name(reference.digest)
    data = store.read(name, reference.size)
    if len(data) != reference.size or digest_of(data) != reference.digest:
        raise SnapshotDamagedError(f"{name} is not what its name says")
    return data


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
    there = sum(path.stat().st_size for path in list_files(folder).values())
    free = shutil.disk_usage(folder).free + there
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
