"""A pack makes the files of a version from those of the version before, or is refused whole."""

import shutil
import struct
from pathlib import Path

import pytest

from receipt_index.snapshot.copies.synchronise import difference
from receipt_index.snapshot.format.compression import compress, decompress, digest_of
from receipt_index.snapshot.format.pack import MAGIC, MAX_PACK_BYTES, apply_pack, build_pack
from receipt_index.snapshot.format.pages import PAGE_SIZE
from receipt_sync.errors import SnapshotDamagedError

PAGES = 6


def page(letter: str, size: int = PAGE_SIZE) -> bytes:
    return letter.encode() * size


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "old"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep/changed").write_bytes(page("a") * PAGES)
    (folder / "shorter").write_bytes(page("b") * PAGES)
    (folder / "longer").write_bytes(page("c", 10))
    (folder / "gone").write_bytes(page("d"))
    (folder / "same").write_bytes(page("e"))
    return folder


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "new"
    shutil.copytree(old, folder)
    content = bytearray((folder / "deep/changed").read_bytes())
    content[PAGE_SIZE + 7] = 0
    content[-1] = 0
    (folder / "deep/changed").write_bytes(content)
    (folder / "shorter").write_bytes(page("b", PAGE_SIZE + 5))
    (folder / "longer").write_bytes(page("c", 2 * PAGE_SIZE + 1))
    (folder / "gone").unlink()
    (folder / "deeper/still").mkdir(parents=True)
    (folder / "deeper/still/fresh").write_bytes(page("f", 3))
    (folder / "empty").write_bytes(b"")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def pack(old: Path, new: Path, version: int = 2) -> bytes:
    return build_pack(new, *difference(old, new), version)


def test_a_pack_makes_the_next_version_and_says_what_it_changed(old: Path, new: Path) -> None:
    header = apply_pack(pack(old, new), old)
    assert content(old) == content(new)
    assert header.files["deep/changed"].pages == (1, PAGES - 1)
    assert header.files["shorter"].size == PAGE_SIZE + 5
    assert header.removed == ("gone",)
    assert header.version == 2
    assert "same" not in header.files


def test_a_pack_holds_the_pages_that_changed_and_no_other(old: Path, new: Path) -> None:
    held = len(decompress(pack(old, new), MAX_PACK_BYTES, "a pack"))
    changed = 2 * PAGE_SIZE + 5 + (2 * PAGE_SIZE + 1) + 3
    assert changed < held < changed + 1_000


def test_a_pack_can_be_applied_again_after_it_was_interrupted(old: Path, new: Path) -> None:
    data = pack(old, new)
    for _ in range(2):
        apply_pack(data, old)
        assert content(old) == content(new)


def test_the_packs_of_two_versions_have_different_names(old: Path, new: Path) -> None:
    assert digest_of(pack(old, new, 2)) != digest_of(pack(old, new, 3))


def raw(header: bytes, pages: bytes = b"", magic: bytes = MAGIC) -> bytes:
    return compress(magic + struct.pack(">I", len(header)) + header + pages)


FILE = b'{"files":{"a":{"size":%d,"pages":[%s]}},"removed":[],"version":1}'


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"junk", ""),
        (compress(b""), "is not a pack"),
        (compress(MAGIC), "is not a pack"),
        (raw(b"{}", magic=b"RCSPACK\x02"), "is not a pack"),
        (raw(b"{}"), "header of another format"),
        (raw(b'{"files":{},"removed":[],"version":-1}'), "header of another format"),
        (raw(b'{"files":{},"removed":[],"extra":1}'), "header of another format"),
        (raw(b'{"files":{},"removed":["../a"]}'), "header of another format"),
        (raw(FILE % (10, b"-1")), "header of another format"),
        (raw(FILE % (10, b"1"), page("x", 10)), "beyond the end of a"),
        (raw(FILE % (PAGE_SIZE, b"1"), page("x")), "beyond the end of a"),
        (raw(FILE % (10, b"0"), page("x", 9)), "does not hold the pages"),
        (raw(FILE % (10, b"0"), page("x", 11)), "does not hold the pages"),
        (raw(FILE % (PAGE_SIZE + 1, b"0,1"), page("x")), "does not hold the pages"),
    ],
)
def test_a_pack_that_is_not_whole_is_refused_by_name_and_writes_nothing(
    old: Path, data: bytes, fault: str
) -> None:
    before = content(old)
    with pytest.raises(SnapshotDamagedError, match=f"packs/x.*{fault}"):
        apply_pack(data, old, "packs/x")
    assert content(old) == before


@pytest.mark.parametrize(
    ("size", "pages", "held"),
    [(10, b"0", 10), (PAGE_SIZE, b"0", PAGE_SIZE), (PAGE_SIZE + 1, b"1", 1), (0, b"", 0)],
)
def test_the_last_page_is_as_long_as_its_file(
    tmp_path: Path, size: int, pages: bytes, held: int
) -> None:
    apply_pack(raw(FILE % (size, pages), page("x", held)), tmp_path)
    assert (tmp_path / "a").stat().st_size == size
    assert (tmp_path / "a").read_bytes()[size - held :] == page("x", held)


def test_a_header_without_a_version_is_that_of_an_earlier_format(tmp_path: Path) -> None:
    header = b'{"files":{"a":{"size":1,"pages":[0]}},"removed":[]}'
    assert apply_pack(raw(header, b"x"), tmp_path).version == 0
    header = b'{"files":{"a":{"size":1,"pages":[0]}},"removed":[],"version":0}'
    assert apply_pack(raw(header, b"x"), tmp_path).version == 0


def test_a_pack_that_grows_beyond_the_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receipt_index.snapshot.format.pack.MAX_PACK_BYTES", 100_000)
    with pytest.raises(SnapshotDamagedError):
        apply_pack(raw(FILE % (200_000, b"0"), page("x", 200_000)), tmp_path)
