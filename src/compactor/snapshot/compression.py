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


def decompress(data: bytes, limit: int) -> bytes:
    """The content of one frame. Raises SnapshotDamagedError if it is none or beyond `limit`."""
    decompressor = zstd.ZstdDecompressor()
    try:
        content = decompressor.decompress(data, max_length=limit + 1)
    except zstd.ZstdError as error:
        raise SnapshotDamagedError("an object of the snapshot is no zstd frame") from error
    if len(content) > limit:
        raise SnapshotDamagedError(f"an object of the snapshot unpacks to more than {limit} bytes")
    if not decompressor.eof:
        raise SnapshotDamagedError("an object of the snapshot ends too early")
    return content


def digest_of(data: bytes) -> str:
    """SHA-256 in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
