"""The digests of a version's pages follow its packs, and tell which pages of a folder are sound."""

from pathlib import Path

import pytest

from receipt_index.snapshot.copies.synchronise import difference
from receipt_index.snapshot.format.pack import apply_pack, build_pack
from receipt_index.snapshot.format.page_table import DIGEST_SIZE, PageTable
from receipt_index.snapshot.format.pages import PAGE_SIZE

PAGE = b"p" * PAGE_SIZE


def folder(root: Path, **files: bytes) -> Path:
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


def following(old: Path, new: Path) -> PageTable:
    """Return the table of `old` after the pack that makes it `new`."""
    table = PageTable()
    table.read_all(old)
    table.note_pack(apply_pack(build_pack(new, *difference(old, new)), old), old)
    return table


@pytest.mark.parametrize("size", [0, 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE, 9 * PAGE_SIZE - 1])
def test_a_table_that_followed_a_pack_is_that_of_the_new_files(tmp_path: Path, size: int) -> None:
    old = folder(tmp_path / "old", a=PAGE * 5, gone=PAGE, same=b"same")
    new = folder(tmp_path / "new", a=b"n" * size, fresh=b"fresh", same=b"same")
    table, read = following(old, new), PageTable()
    read.read_all(new)
    assert (table.sizes, table.digests, table.wrong) == (read.sizes, read.digests, set())
    assert len(table.digests["a"]) == DIGEST_SIZE * -(-size // PAGE_SIZE)


def test_a_page_beyond_the_end_of_a_shorter_file_is_no_longer_missing(tmp_path: Path) -> None:
    old, new = folder(tmp_path / "old", a=PAGE * 5), folder(tmp_path / "new", a=PAGE * 3)
    table = PageTable()
    table.read_all(old)
    table.wrong = {("a", 2), ("a", 3), ("a", 4), ("gone", 0)}
    table.note_pack(apply_pack(build_pack(new, *difference(old, new)), old), old)
    assert table.wrong == {("a", 2)}


def test_sound_pages_are_taken_from_every_folder_and_the_others_are_named(tmp_path: Path) -> None:
    pages = [bytes([number]) * PAGE_SIZE for number in range(5)] + [b"end"]
    whole = folder(tmp_path / "whole", a=b"".join(pages), b=b"b")
    table = PageTable()
    table.read_all(whole)
    bad = b"?" * PAGE_SIZE
    mine = folder(tmp_path / "mine", a=pages[0] + bad * 3, strange=b"x")
    one = folder(tmp_path / "one", a=bad + pages[1] + bad * 3 + b"end")
    two = folder(tmp_path / "two", a=bad * 2 + pages[2] + bad + pages[4] + b"longer than the end")
    table.salvage(mine, [one, two])
    assert table.wrong == {("a", 3), ("b", 0)}
    found = (mine / "a").read_bytes()
    assert len(found) == 5 * PAGE_SIZE + 3
    for number in (0, 1, 2, 4, 5):
        assert found[number * PAGE_SIZE : (number + 1) * PAGE_SIZE] == pages[number], number
    assert not (mine / "strange").exists()
