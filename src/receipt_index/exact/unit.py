"""Vectors of length 1, and their digests."""

from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_DIGEST_SIZE: Final = 16
_STORED: Final = np.dtype("<f4")


def unit(vector: Floats) -> Floats:
    """Return a vector with length 1. A vector of length 0 stays as it is.

    The length is computed in float64, which holds the square of every float32.
    """
    long = np.asarray(vector, np.float64)
    length = float(np.linalg.norm(long))
    # The addition makes 0 of -0, so that equal vectors have equal bytes.
    return ((long / (length or 1.0)) + 0.0).astype(_STORED)


def digest(vector: Floats) -> bytes:
    """Return the digest by which equal vectors are recognised."""
    return blake2b(vector.tobytes(), digest_size=_DIGEST_SIZE).digest()
