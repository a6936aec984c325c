"""The copy that was served becomes the mirror, without a page that Chroma wrote to the mirror."""

import os
from pathlib import Path

import pytest

from receipt_index.snapshot.format.pages import PAGE_SIZE, list_files
from receipt_index.snapshot.reading.handover import Handover

PAGES = 300
"""More than a mebibyte: the file of a persisted graph, to which Chroma does not write."""


class Folders:
    """A served copy and the mirror of the next version."""

    def __init__(self, root: Path) -> None:
        self.served, self.mirror, self.kept = (root / n for n in ("served", "mirror", "kept"))
        for folder, letter in ((self.served, b"o"), (self.mirror, b"n")):
            folder.mkdir()
            (folder / "graph.bin").write_bytes(letter * PAGE_SIZE + b"=" * PAGE_SIZE * PAGES)
            (folder / "chroma.sqlite3").write_bytes(letter * PAGE_SIZE + b"=" * PAGE_SIZE)
            (folder / "same.bin").write_bytes(b"same")
        (self.served / "gone.bin").write_bytes(b"gone")
        (self.mirror / "fresh.bin").write_bytes(b"fresh")

    def content(self, folder: Path) -> dict[str, bytes]:
        return {name: path.read_bytes() for name, path in list_files(folder).items()}


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders(tmp_path)


def write(path: Path, content: bytes) -> None:
    """Write as Chroma does: the time of the file changes."""
    path.write_bytes(content)
    os.utime(path)


def test_the_served_copy_gets_what_the_mirror_held_before_chroma_opened_it(
    folders: Folders,
) -> None:
    wanted = folders.content(folders.mirror)
    handover = Handover(folders.served, folders.mirror, folders.kept)
    write(folders.mirror / "chroma.sqlite3", b"written by Chroma" * 700)
    write(folders.mirror / "fresh.bin", b"written by Chroma")
    assert handover.apply() is True
    assert folders.content(folders.served) == wanted


def test_only_pages_that_chroma_may_write_to_are_copied_aside(folders: Folders) -> None:
    Handover(folders.served, folders.mirror, folders.kept)
    assert sorted(list_files(folders.kept)) == ["chroma.sqlite3", "fresh.bin"]


def test_what_an_earlier_handover_kept_is_removed(folders: Folders) -> None:
    folders.kept.mkdir()
    (folders.kept / "earlier.bin").write_bytes(b"earlier")
    Handover(folders.served, folders.mirror, folders.kept)
    assert "earlier.bin" not in list_files(folders.kept)


def test_a_large_database_is_copied_aside_too(folders: Folders) -> None:
    """Chroma writes to its database whatever its size."""
    for folder, letter in ((folders.served, b"o"), (folders.mirror, b"n")):
        (folder / "chroma.sqlite3").write_bytes(b"=" * PAGE_SIZE * PAGES + letter)
    wanted = folders.content(folders.mirror)
    handover = Handover(folders.served, folders.mirror, folders.kept)
    write(folders.mirror / "chroma.sqlite3", b"written by Chroma")
    assert handover.apply() is True
    assert folders.content(folders.served) == wanted


@pytest.mark.parametrize("name", ["graph.bin", "same.bin", "gone.bin"])
def test_a_served_copy_that_something_wrote_to_is_refused(folders: Folders, name: str) -> None:
    handover = Handover(folders.served, folders.mirror, folders.kept)
    write(folders.served / name, b"written")
    assert handover.apply() is False


@pytest.mark.parametrize("gone", [False, True])
def test_a_mirror_whose_graph_was_written_to_is_refused(folders: Folders, gone: bool) -> None:
    handover = Handover(folders.served, folders.mirror, folders.kept)
    before = folders.content(folders.served)
    if gone:
        (folders.mirror / "graph.bin").unlink()
    else:
        write(folders.mirror / "graph.bin", b"written")
    assert handover.apply() is False
    assert folders.content(folders.served) == before
