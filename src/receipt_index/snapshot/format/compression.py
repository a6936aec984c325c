"""Compression with zstd, and digests.

Python 3.14 has zstd in compression.zstd. Earlier versions use its back-port.
"""

import hashlib
import sys
from typing import Final

from receipt_sync.errors import SnapshotDamagedError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_LEVEL: Final = 1  # higher levels take more time than their bytes save (docs/performance.md)


def compress(data: bytes) -> bytes:
    """Return `data` as one zstd frame."""
    return zstd.compress(data, level=_LEVEL)


def decompress(data: bytes, limit: int, name: str = "an object of the snapshot") -> bytes:
    """Return the content of one zstd frame, of at most `limit` bytes.

    At most one byte more than `limit` is unpacked. Raises SnapshotDamagedError for anything else
    than one whole frame within the limit. The error names the object as `name`.
    """
    decompressor = zstd.ZstdDecompressor()
    try:
        content = decompressor.decompress(data, max_length=limit + 1)
    except zstd.ZstdError as error:
        raise SnapshotDamagedError(f"{name} is not a zstd frame") from error
    if len(content) > limit:
        raise SnapshotDamagedError(f"{name} unpacks to more than {limit} bytes")
    if not decompressor.eof:
        raise SnapshotDamagedError(f"{name} is truncated")
    if decompressor.unused_data:
        raise SnapshotDamagedError(f"{name} has bytes after the end of its zstd frame")
    return content


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of `data` in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
