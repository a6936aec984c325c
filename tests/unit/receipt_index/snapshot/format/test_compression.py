"""An object is unpacked whole and within its limit, or refused by its name."""

import pytest

from receipt_index.snapshot.format.compression import compress, decompress, digest_of
from receipt_sync.errors import SnapshotDamagedError

CONTENT = bytes(range(256)) * 40


@pytest.mark.parametrize("content", [b"", b"x", CONTENT])
def test_what_was_compressed_is_read_back_up_to_its_limit(content: bytes) -> None:
    assert decompress(compress(content), len(content)) == content


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "is truncated"),
        (b"junk and no frame", "is not a zstd frame"),
        (compress(CONTENT)[:-1], "is truncated"),
        (compress(CONTENT) + b"x", "has bytes after the end"),
        (compress(CONTENT) * 2, "has bytes after the end"),
        (compress(CONTENT + b"x"), f"unpacks to more than {len(CONTENT)} bytes"),
        (compress(bytes(2**24)), f"unpacks to more than {len(CONTENT)} bytes"),
    ],
)
def test_anything_else_is_refused_by_its_name(data: bytes, fault: str) -> None:
    with pytest.raises(SnapshotDamagedError, match=f"^blocks/x {fault}"):
        decompress(data, len(CONTENT), "blocks/x")


def test_a_digest_is_that_of_every_other_tool() -> None:
    """`sha256sum` prints the same."""
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest_of(b"abc") == expected
