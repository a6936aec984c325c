"""Stand-in for an embedding model: hashed character n-grams. Replace it by your model.

It compares spelling, not meaning. `receipt-sync load` uses the same function, so the examples can
search what that command has loaded.
"""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

NAME = "character-ngrams 1"
DIMENSION = 384


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one vector of length 1 for each text, as an n × 384 array."""
    sums = np.zeros((len(texts), DIMENSION))
    for row, text in enumerate(texts):
        padded = f" {' '.join(text.casefold().split())} "
        for size in (2, 3, 4):
            for start in range(len(padded) - size + 1):
                digest = crc32(padded[start : start + size].encode("utf-8", "surrogatepass"))
                sums[row, (digest >> 1) % DIMENSION] += 1 if digest & 1 else -1
        if not sums[row].any():
            sums[row, 0] = 1.0
    lengths: NDArray[Any] = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    vectors: NDArray[np.float32] = (sums / lengths).astype(np.float32)
    return vectors
