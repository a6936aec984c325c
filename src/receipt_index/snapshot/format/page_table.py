"""The digest of every page of a version's files, to check files that are found on a disk.

The manifest names the digests of packs, and of blocks without packs. A mirror's blocks have packs
applied to them, so neither digest shows what a page must be. The process that applied checked
blocks and packs notes the digest of each page. A later process hashes the pages that it finds, and
uses those that match.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from receipt_index.snapshot.format.pack import PackHeader
from receipt_index.snapshot.format.pages import PAGE_SIZE, give_size, list_files, page_count

DIGEST_SIZE: Final = 16
"""Bytes of each page's SHA-256 that are kept. A table has 1/256 of the size of its files."""
_CHUNK: Final = 256 * PAGE_SIZE


class PageTable:
    """Sizes and page digests of the files of one version.

    `wrong` are the pages that the files do not hold yet. These pages must come from packs.
    """

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.digests: dict[str, bytearray] = {}
        self.wrong: set[tuple[str, int]] = set()

    def read_all(self, folder: Path) -> None:
        """Note the sizes and page digests of all files under `folder`.

        The caller must have checked the content of the files.
        """
        files = list_files(folder)
        self.sizes = {name: path.stat().st_size for name, path in files.items()}
        self.digests = {name: _digests_of(path) for name, path in files.items()}
        self.wrong = set()

    def note_pack(self, header: PackHeader, folder: Path) -> None:
        """Note the pages of a pack that was applied to the files."""
        for name, file in header.files.items():
            self.sizes[name] = file.size
            digests = self.digests.setdefault(name, bytearray())
            length = DIGEST_SIZE * page_count(file.size)
            digests[length:] = bytes(max(0, length - len(digests)))
            for page, data in _read(folder / name, file.pages):
                digests[DIGEST_SIZE * page : DIGEST_SIZE * (page + 1)] = _digest(data)
                self.wrong.discard((name, page))
        for name in header.removed:
            self.sizes.pop(name, None)
            self.digests.pop(name, None)
        self.wrong = {(n, p) for n, p in self.wrong if p < page_count(self.sizes.get(n, 0))}

    def salvage(self, folder: Path, others: Sequence[Path]) -> None:
        """Fill `folder` with every matching page that it or one of the `others` holds.

        Pages that were not found are noted in `wrong`. Files that the version lacks are removed.
        """
        self.wrong = set()
        for name, path in list_files(folder).items():
            if name not in self.sizes:
                path.unlink()
        for name, size in self.sizes.items():
            give_size(folder / name, size)
            wrong = self._wrong_pages(name, folder / name)
            for other in others:
                if wrong and (other / name).is_file():
                    wrong = self._take(name, wrong, other / name, folder / name)
            self.wrong |= {(name, page) for page in wrong}

    def _wrong_pages(self, name: str, path: Path) -> list[int]:
        found, known = _digests_of(path), self.digests[name]
        kind = f"V{DIGEST_SIZE}"
        unequal = np.frombuffer(found, kind) != np.frombuffer(known, kind)
        return [int(page) for page in np.flatnonzero(unequal)]

    def _take(self, name: str, pages: list[int], source: Path, target: Path) -> list[int]:
        """Copy those of the pages that `source` holds, and return the rest."""
        known, left = self.digests[name], []
        with target.open("r+b") as file:
            for page, data in _read(source, pages):
                whole = data[: self.sizes[name] - page * PAGE_SIZE]
                if _digest(whole) == known[DIGEST_SIZE * page : DIGEST_SIZE * (page + 1)]:
                    file.seek(page * PAGE_SIZE)
                    file.write(whole)
                else:
                    left.append(page)
        return left


def _digests_of(path: Path) -> bytearray:
    digests = bytearray()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for start in range(0, len(chunk), PAGE_SIZE):
                digests += _digest(chunk[start : start + PAGE_SIZE])
    return digests


def _read(path: Path, pages: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for page in pages:
            file.seek(page * PAGE_SIZE)
            yield page, file.read(PAGE_SIZE)


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:DIGEST_SIZE]
