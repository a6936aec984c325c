"""The base of a snapshot: whole files in content-addressed, compressed blocks."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from compactor.snapshot.compression import compress, decompress, digest_of
from compactor.snapshot.manifest import BLOCK_SIZE, BaseFile, block_name
from compactor.snapshot.pages import list_files
from compactor.snapshot.store import SnapshotStore
from compactor.snapshot.tally import Tally
from receipt_sync.errors import SnapshotDamagedError

_THREADS: Final = 8
MAX_BLOCK_OBJECT: Final = 2 * BLOCK_SIZE
"""Bytes of a block's object: what can't be compressed grows by a little."""


class _BlockAt(NamedTuple):
    path: Path
    offset: int
    digest: str
    size: int


class WrittenBase(NamedTuple):
    """A base's files, and the bytes that it takes in the store."""

    files: dict[str, BaseFile]
    stored: int


class _WrittenBlock(NamedTuple):
    digest: str
    stored: int


def write_base(folder: Path, store: SnapshotStore) -> WrittenBase:
    """Store the blocks of every file under `folder`. The one step that is O(snapshot).

    Those that the last version has are stored again, so that a new base is whole though a block of
    the old one was lost or damaged in the store.
    """
    files: dict[str, BaseFile] = {}
    written: list[_WrittenBlock] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for name, path in list_files(folder).items():
            blocks = list(pool.map(lambda data: _write_block(data, store), _blocks_of(path)))
            digests = tuple(block.digest for block in blocks)
            files[name] = BaseFile(size=path.stat().st_size, blocks=digests)
            written += blocks
    return WrittenBase(files, sum(block.stored for block in written))


def names_of_base(folder: Path) -> frozenset[str]:
    """Names of the objects that a base of the files under `folder` would need."""
    return frozenset(
        block_name(digest_of(data))
        for path in list_files(folder).values()
        for data in _blocks_of(path)
    )


def restore_base(
    files: dict[str, BaseFile], folder: Path, store: SnapshotStore, tally: Tally
) -> None:
    """Make the files under `folder` the base's, each block checked against its digest.

    Blocks that lie in their place already are not fetched: a new base holds mostly what a mirror of
    the version before it has. Raises SnapshotDamagedError for a block that is gone, truncated or
    not what its name says.
    """
    for name, path in list_files(folder).items():
        if name not in files:
            path.unlink()
    for name, file in files.items():
        _give_size(folder / name, file.size)
    with ThreadPoolExecutor(_THREADS) as pool:
        for _ in pool.map(lambda block: _restore_block(block, store), _targets(files, folder)):
            tally.one_more()


def _give_size(path: Path, size: int) -> None:
    """A file of this many bytes; one that has them is left as it is, with its mark."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.stat().st_size != size:
        with path.open("ab") as file:
            file.truncate(size)


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


def _restore_block(block: _BlockAt, store: SnapshotStore) -> None:
    if _is_in_place(block):
        return
    name = block_name(block.digest)
    data = decompress(store.read(name, MAX_BLOCK_OBJECT), BLOCK_SIZE, name)
    if len(data) != block.size or digest_of(data) != block.digest:
        raise SnapshotDamagedError(f"{name} is not what its name says")
    with block.path.open("r+b") as file:
        file.seek(block.offset)
        file.write(data)


def _is_in_place(block: _BlockAt) -> bool:
    with block.path.open("rb") as file:
        file.seek(block.offset)
        return digest_of(file.read(block.size)) == block.digest
