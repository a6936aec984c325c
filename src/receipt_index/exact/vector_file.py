"""The file of the distinct vectors: one row of float32 for each."""

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from receipt_index.exact.layout import FLOAT_BYTES
from receipt_index.exact.unit import Floats

_STORED: Final = np.dtype("<f4")


class VectorFile:
    """The open file, for writing. It has no buffer, so a write is seen at once."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)

    def write(self, row: int, vector: Floats) -> None:
        """Write the vector of a row."""
        data = np.ascontiguousarray(vector, _STORED).tobytes()
        offset = row * len(data)
        while data:
            written = os.pwrite(self._descriptor, data, offset)
            data, offset = data[written:], offset + written

    def clear(self, row: int, dimension: int) -> None:
        """Write NaN into a row, which no search finds."""
        self.write(row, np.full(dimension, np.nan, np.float32))

    def cut(self) -> None:
        """Remove all rows."""
        os.ftruncate(self._descriptor, 0)


def mapped(path: Path, rows: int, dimension: int) -> Floats:
    """Return all vectors, mapped from the file."""
    if rows * dimension * FLOAT_BYTES == 0:
        return np.empty((0, dimension), np.float32)
    return np.asarray(np.memmap(path, _STORED, "r", shape=(rows, dimension)))
