"""Turn a manifest into the files of its version, and check every object that is read."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from receipt_index.snapshot.copies.base import restore_base
from receipt_index.snapshot.copies.progress import OnProgress, Progress, ignore_progress
from receipt_index.snapshot.copies.room import check_copies
from receipt_index.snapshot.format.compression import digest_of
from receipt_index.snapshot.format.manifest import Manifest, PackReference, pack_name, start_over
from receipt_index.snapshot.format.pack import apply_pack
from receipt_index.snapshot.format.pages import check_sizes, list_files
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.errors import SnapshotDamagedError

_PACKS_AT_A_TIME: Final = 8
_BYTES_AT_A_TIME: Final = 32 * 2**20


def materialise(
    manifest: Manifest,
    folder: Path,
    store: SnapshotStore,
    on_progress: OnProgress = ignore_progress,
) -> None:
    """Make the files under `folder` those of a version, and check every object.

    `folder` may hold any files before. Raises SnapshotDamagedError. Raises WorkspaceFullError
    before anything is fetched.
    """
    check_copies(manifest, folder, 1)
    progress = progress_of(manifest, on_progress)
    restore_base(manifest.base, folder, store, progress)
    for pack, data in fetched_packs(manifest.packs, store):
        apply_pack(data, folder, pack_name(pack.digest))
        progress.one_more()
    check_files(manifest, folder)


def progress_of(manifest: Manifest, on_progress: OnProgress) -> Progress:
    """Return the progress counter of all objects of a version."""
    blocks = sum(len(file.blocks) for file in manifest.base.values())
    return Progress(blocks + len(manifest.packs), on_progress)


def fetched_packs(
    packs: Sequence[PackReference], store: SnapshotStore
) -> Iterator[tuple[PackReference, bytes]]:
    """Yield each pack in order with its object, which is checked against its digest.

    Several packs are fetched at the same time. If one can't be fetched, the packs before it are
    still yielded.
    """
    for some in _groups(packs):
        if len(some) == 1:  # the usual case of a warm worker or reader
            yield some[0], _fetch(some[0], store)
            continue
        with ThreadPoolExecutor(_PACKS_AT_A_TIME) as pool:
            yield from zip(some, pool.map(lambda pack: _fetch(pack, store), some), strict=True)


def _groups(packs: Sequence[PackReference]) -> Iterator[Sequence[PackReference]]:
    """Yield groups of packs that are held in memory together.

    A group has at most _PACKS_AT_A_TIME packs, and at most _BYTES_AT_A_TIME bytes or a single pack.
    """
    group: list[PackReference] = []
    for pack in packs:
        size = sum(one.size for one in group) + pack.size
        if group and (len(group) == _PACKS_AT_A_TIME or size > _BYTES_AT_A_TIME):
            yield group
            group = []
        group.append(pack)
    if group:
        yield group


def _fetch(reference: PackReference, store: SnapshotStore) -> bytes:
    name = pack_name(reference.digest)
    data = store.read(name, reference.size)
    if len(data) != reference.size or digest_of(data) != reference.digest:
        raise SnapshotDamagedError(f"{name} does not have the digest in its name")
    return data


def check_files(manifest: Manifest, folder: Path) -> None:
    """Raise SnapshotDamagedError unless the files have the names and sizes of the manifest."""
    sizes = {name: path.stat().st_size for name, path in list_files(folder).items()}
    wrong = sorted(
        name for name in {*sizes, *manifest.files} if sizes.get(name) != manifest.files.get(name)
    )
    if wrong:
        raise SnapshotDamagedError(
            f"the files do not have the sizes that the manifest names: {', '.join(wrong[:3])}"
        )
    check_sizes(folder)


@contextmanager
def explained_damage(manifest: Manifest, remedy: str) -> Iterator[None]:
    """Add the damaged version and what to do about it to errors of damage."""
    try:
        yield
    except (SnapshotDamagedError, NotADirectoryError, IsADirectoryError, FileExistsError) as error:
        rule = str(error) if isinstance(error, SnapshotDamagedError) else "its paths collide"
        raise SnapshotDamagedError(
            f"version {manifest.version} of {manifest.collection} can't be read: {rule}. {remedy}"
        ) from error


def remedy_of_newest(newest: Manifest) -> str:
    """Return what to do if the newest version is damaged."""
    if newest.version > 1:
        return "`receipt-sync snapshot restore` makes an earlier version the newest"
    return f"No earlier version exists: {start_over(newest.collection)}"
