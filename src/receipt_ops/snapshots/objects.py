"""Checks that the objects of a version exist and that their content matches their names."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from receipt_index.snapshot.copies.base import MAX_BLOCK_OBJECT, blocks_of_zeros
from receipt_index.snapshot.format.compression import decompress, digest_of
from receipt_index.snapshot.format.manifest import BLOCK_SIZE, Manifest, pack_name
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.errors import SnapshotDamagedError

_THREADS: Final = 8


def missing(manifest: Manifest, sizes: Mapping[str, int]) -> list[str]:
    """Return the objects of a version that are missing or have another size than it names.

    `sizes` maps the names that the bucket lists to sizes in bytes.
    """
    packs = {pack_name(pack.digest): pack.size for pack in manifest.packs}
    return sorted(
        name
        for name in _needed(manifest)
        if not sizes.get(name) or packs.get(name, sizes[name]) != sizes[name]
    )


def _needed(manifest: Manifest) -> frozenset[str]:
    """Return the objects that a reader of a version fetches. It makes blocks of zeros itself."""
    return manifest.objects - blocks_of_zeros(manifest.base)


class Soundness:
    """Fetches each object once and compares its content with its name, which is a digest."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self._damaged: dict[str, bool] = {}

    def damaged(self, manifest: Manifest) -> list[str]:
        """Return the objects of a version that are missing or do not match their names."""
        packs = {pack_name(pack.digest): pack.size for pack in manifest.packs}
        needed = _needed(manifest)
        new = [name for name in needed if name not in self._damaged]
        with ThreadPoolExecutor(_THREADS) as pool:
            found = pool.map(lambda name: self._is_damaged(name, packs.get(name)), new)
            self._damaged |= dict(zip(new, found, strict=True))
        return sorted(name for name in needed if self._damaged[name])

    def _is_damaged(self, name: str, pack_size: int | None) -> bool:
        try:
            if pack_size is None:
                data = self._store.read(name, MAX_BLOCK_OBJECT)
                content = decompress(data, BLOCK_SIZE, name)
            else:
                content = self._store.read(name, pack_size)
        except SnapshotDamagedError:
            return True
        if pack_size is not None and len(content) != pack_size:
            return True
        return digest_of(content) != name.partition("/")[2]
