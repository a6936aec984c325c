"""A stand-in for an embedding model: hashed character n-grams.

This is NOT a model. It compares spelling, not meaning: "TOTAL" is near to "TOTAL:" and far from
"SUM". With it, the whole path runs on any machine, without a network and with the same vectors
everywhere. Your own pipeline calls your own model, and sends deltas as
`receipt_index.vector_sender` does.

Feature hashing: Weinberger et al. 2009, https://arxiv.org/abs/0902.2206
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from receipt_index.deltas import Vectors

STAND_IN: Final = "hashed character n-grams, a stand-in for your model"
"""The description of the embedding that `load` prints."""
DIMENSION: Final = 384
_SIZES: Final = (2, 3, 4)
_ROWS_A_STEP: Final = 2_000


def embed(texts: Sequence[str]) -> Vectors:
    """Return the vectors of `texts`: n × 384 float32, each of length 1, equal on every machine.

    The function computes equal texts once. An empty text has a vector too, and no vector is NaN.
    """
    rows = {text: row for row, text in enumerate(dict.fromkeys(texts))}
    if not rows:
        return np.zeros((0, DIMENSION), np.float32)
    distinct = list(rows)
    steps = range(0, len(distinct), _ROWS_A_STEP)
    table = np.concatenate([_embed(distinct[start : start + _ROWS_A_STEP]) for start in steps])
    return table[[rows[text] for text in texts]]


def _embed(texts: Sequence[str]) -> Vectors:
    cells: list[int] = []
    signs: list[int] = []
    for row, text in enumerate(texts):
        for ngram in _ngrams(text):
            slot, sign = _slot(ngram)
            cells.append(row * DIMENSION + slot)
            signs.append(sign)
    sums = np.bincount(cells, weights=signs, minlength=len(texts) * DIMENSION).astype(np.float64)
    return _normalised(sums.reshape(len(texts), DIMENSION))


def _ngrams(text: str) -> Iterator[str]:
    padded = f" {' '.join(text.casefold().split())} "
    for size in _SIZES:
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]


@lru_cache(maxsize=1 << 17)
def _slot(ngram: str) -> tuple[int, int]:
    """Return the position of an n-gram and its sign. The signs make collisions tend to cancel."""
    digest = crc32(ngram.encode("utf-8", "surrogatepass"))
    return (digest >> 1) % DIMENSION, 1 if digest & 1 else -1


def _normalised(sums: NDArray[np.float64]) -> Vectors:
    """Return rows of length 1. A row of zeros becomes the first unit vector."""
    sums[~sums.any(axis=1), 0] = 1.0
    lengths = np.sqrt((sums * sums).sum(axis=1, keepdims=True))
    normalised: Vectors = (sums / lengths).astype(np.float32)
    return normalised
