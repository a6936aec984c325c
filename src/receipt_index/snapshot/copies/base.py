"""The base of a snapshot: whole files in content-addressed, compressed blocks."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from receipt_index.snapshot.copies.progress import Progress
from receipt_index.snapshot.format.compression import compress, decompress, digest_of
from receipt_index.snapshot.format.manifest import BLOCK_SIZE, BaseFile, block_name
from receipt_index.snapshot.format.pages import give_size, list_files
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.bounded import bounded_map
from receipt_sync.errors import SnapshotDamagedError

_THREADS: Final = 8
BASE_MEMORY: Final = 3 * _THREADS * BLOCK_SIZE
"""Bytes of memory that a new base takes at most. Each of its threads holds a block, a compressor
and the compressed block.
"""
MAX_BLOCK_OBJECT: Final = 2 * BLOCK_SIZE
"""Bytes that a block's object may have. A block that can't be compressed grows slightly."""


class _BlockAt(NamedTuple):
    path: Path
    offset: int
    digest: str
    size: int


class WrittenBase(NamedTuple):
    """The files of a base, and the bytes that the base takes in the store."""

    files: dict[str, BaseFile]
    stored: int


class _WrittenBlock(NamedTuple):
    digest: str
    stored: int


def write_base(folder: Path, store: SnapshotStore) -> WrittenBase:
    """Store the blocks of every file under `folder`.

    This is the one step that is O(snapshot). At most _THREADS blocks are in memory at a time, so it
    takes at most BASE_MEMORY for any size. Blocks of the last version are stored again. So the new
    base is whole even if the store lost or damaged a block of the old one.
    """
    files: dict[str, BaseFile] = {}
    written: list[_WrittenBlock] = []
    for name, path in list_files(folder).items():
        stored = bounded_map(lambda data: _write_block(data, store), _blocks_of(path), _THREADS)
        blocks = list(stored)
        digests = tuple(block.digest for block in blocks)
        files[name] = BaseFile(size=path.stat().st_size, blocks=digests)
        written += blocks
    return WrittenBase(files, sum(block.stored for block in written))


def names_of_base(folder: Path) -> frozenset[str]:
    """Return the names of the objects that a base of the files under `folder` would need."""
    return frozenset(
        block_name(digest_of(data))
        for path in list_files(folder).values()
        for data in _blocks_of(path)
    )


def restore_base(
    files: dict[str, BaseFile],
    folder: Path,
    store: SnapshotStore,
    progress: Progress,
    others: Sequence[Path] = (),
) -> None:
    """Make the files under `folder` those of the base, and check each block's digest.

    A block is not fetched if it holds only zeros. Nor is one that is already in its place in
    `folder` or in one of the `others`. A new base holds mostly what a copy of the version
    before it has. Raises SnapshotDamagedError for a block that is missing, is truncated or does
    not match its digest.
    """
    for name, path in list_files(folder).items():
        if name not in files:
            path.unlink()
    for name, file in files.items():
        give_size(folder / name, file.size)
    with ThreadPoolExecutor(_THREADS) as pool:
        restored = pool.map(
            lambda block: _restore_block(block, folder, store, others), _targets(files, folder)
        )
        for _ in restored:
            progress.one_more()


def blocks_of_zeros(files: Mapping[str, BaseFile]) -> frozenset[str]:
    """Return the names of the blocks that hold only zeros. No version is damaged without them."""
    return frozenset(
        block_name(digest)
        for file in files.values()
        for number, digest in enumerate(file.blocks)
        if digest == _digest_of_zeros(min(BLOCK_SIZE, file.size - number * BLOCK_SIZE))
    )


@lru_cache(maxsize=64)
def _digest_of_zeros(size: int) -> str:
    return digest_of(bytes(size))


def _blocks_of(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_SIZE):
            yield block


def _write_block(data: bytes, store: SnapshotStore) -> _WrittenBlock:
    digest, packed = digest_of(data), compress(data)
    store.write(block_name(digest), packed)
    return _WrittenBlock(digest, len(packed))


def _targets(files: dict[str, BaseFile], folder: Path) -> Iterator[_BlockAt]:
    for name, file in files.items():
        for number, digest in enumerate(file.blocks):
            offset = number * BLOCK_SIZE
            yield _BlockAt(folder / name, offset, digest, min(BLOCK_SIZE, file.size - offset))


def _restore_block(
    block: _BlockAt, folder: Path, store: SnapshotStore, others: Sequence[Path]
) -> None:
    if _found(block, block.path) is not None:
        return
    if block.digest == _digest_of_zeros(block.size):
        data: bytes | None = bytes(block.size)
    else:
        name = block.path.relative_to(folder)
        data = next((d for other in others if (d := _found(block, other / name)) is not None), None)
    with block.path.open("r+b") as file:
        file.seek(block.offset)
        file.write(_fetched(block, store) if data is None else data)


def _fetched(block: _BlockAt, store: SnapshotStore) -> bytes:
    name = block_name(block.digest)
    data = decompress(store.read(name, MAX_BLOCK_OBJECT), BLOCK_SIZE, name)
    if len(data) != block.size or digest_of(data) != block.digest:
        raise SnapshotDamagedError(f"{name} does not have the digest in its name")
    return data


def _found(block: _BlockAt, path: Path) -> bytes | None:
    """Return the block's bytes if this file holds them in their place, else None."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        file.seek(block.offset)
        data = file.read(block.size)
    return data if digest_of(data) == block.digest else None
