"""Readers that share a root have a folder each, which no other user of the machine can lock."""

from pathlib import Path

from receipt_index.snapshot.copies.workspace import claim
from receipt_index.snapshot.reading.slots import claim_slot


def test_two_readers_of_one_root_have_two_folders_and_the_next_takes_a_free_one(
    tmp_path: Path,
) -> None:
    first, second = claim_slot(tmp_path), claim_slot(tmp_path)
    assert first.folder != second.folder
    assert first.folder.is_dir()
    folder = first.folder
    first.release(remove=False)
    assert claim_slot(tmp_path).folder == folder


def test_a_try_of_a_folder_that_another_reader_holds_leaves_no_file_open(tmp_path: Path) -> None:
    held = [claim_slot(tmp_path) for _ in range(5)]
    before = len(list(Path("/dev/fd").iterdir()))
    claim_slot(tmp_path).release(remove=True)
    assert len(list(Path("/dev/fd").iterdir())) == before
    assert len({slot.folder for slot in held}) == 5


def test_a_folder_that_is_removed_leaves_nothing_behind(tmp_path: Path) -> None:
    root = tmp_path / "root"
    slot = claim_slot(root)
    (slot.folder / "file").write_text("x")
    slot.release(remove=True)
    assert not slot.folder.exists()


def test_a_lock_belongs_to_its_user_alone(tmp_path: Path) -> None:
    claim_slot(tmp_path)
    claim(tmp_path, "worker")
    locks = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(locks) == 2
    assert {path.stat().st_mode & 0o777 for path in locks} == {0o600}
