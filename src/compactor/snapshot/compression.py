"""zstd, through the back-port of Python 3.14's own compression.zstd."""

import hashlib
import sys
from typing import Final

from receipt_sync.errors import SnapshotDamagedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL: Final = 1  # measured: higher levels cost more time than their bytes save (facts of design)


def compress(data: bytes) -> bytes:
    """One zstd frame."""
    return zstd.compress(data, level=_LEVEL)


def decompress(data: bytes, limit: int, name: str = "an object of the snapshot") -> bytes:
    """The content of one frame of at most `limit` bytes; never makes more than one byte beyond.

    Raises SnapshotDamagedError, which says `name`, for anything else.
    """
    decompressor = zstd.ZstdDecompressor()
    try:
        content = decompressor.decompress(data, max_length=limit + 1)
    except zstd.ZstdError as error:
        raise SnapshotDamagedError(f"{name} is no zstd frame") from error
    if len(content) > limit:
        raise SnapshotDamagedError(f"{name} unpacks to more than {limit} bytes")
    if not decompressor.eof:
        raise SnapshotDamagedError(f"{name} ends too early")
    if decompressor.unused_data:
        raise SnapshotDamagedError(f"{name} goes on after its end")
    return content


def digest_of(data: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
