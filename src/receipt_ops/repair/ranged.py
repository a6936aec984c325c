"""A file in a bucket that fetches only the parts that a reader asks for."""

import io
from collections.abc import Callable
from typing import Final

BLOCK_BYTES: Final = 256 * 1024
"""The size of one fetch. It covers a small delta, or the end of a large one, where the ids are."""
_KEPT: Final = 4

Fetch = Callable[[int, int], bytes]
"""Returns the bytes from a first offset up to a second one, which is exclusive."""


class RangedFile(io.RawIOBase):
    """A seekable file of `size` bytes. It keeps at most four blocks in memory."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        super().__init__()
        self._size, self._fetch, self._place = size, fetch, 0
        self._blocks: dict[int, bytes] = {}

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(0, start + offset)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Return `size` bytes, or fewer at the end of the file."""
        end = self._size if size < 0 else min(self._size, self._place + size)
        parts = []
        while self._place < end:
            number, offset = divmod(self._place, BLOCK_BYTES)
            part = self._block(number)[offset : offset + end - self._place]
            if not part:  # The object is shorter than `size`.
                break
            parts.append(part)
            self._place += len(part)
        return b"".join(parts)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            while len(self._blocks) >= _KEPT:
                del self._blocks[next(iter(self._blocks))]
            start = number * BLOCK_BYTES
            self._blocks[number] = self._fetch(start, min(start + BLOCK_BYTES, self._size))
        return self._blocks[number]
