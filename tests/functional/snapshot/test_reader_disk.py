"""A reader of a real Chroma collection on a disk that has little more room than two copies."""

import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from receipt_index.exact.index import ExactIndex
from receipt_sync.errors import WorkspaceFullError
from tests.functional.snapshot.test_reader_restart import Published, new, vectors

RECORDS, DIMENSION = 2_000, 256
UPDATES = 4
"""Versions after the first one."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder to mount a small disk on. Skip the test if the process cannot mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or not _mount(folder, 4096):
        pytest.skip("this process may not mount a file system")
    subprocess.run(["umount", str(folder)], check=True)
    yield folder
    # The reader's process may still end, so a plain umount can find the disk busy.
    subprocess.run(["umount", "--lazy", str(folder)], check=False)


def _mount(folder: Path, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("share", [1.9, 2.15])
def test_two_copies_are_enough_and_less_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Path, share: float
) -> None:
    """Defect `reader_disk`: with 2.08 times the snapshot, all refreshes after the first failed."""
    tmp_path.joinpath("rehearsal").mkdir()
    assert _mount(disk, round(share * _largest(Published(tmp_path / "rehearsal", monkeypatch))))
    published = Published(tmp_path, monkeypatch)
    (tmp_path / "reader").symlink_to(disk)
    reader = published.process()
    if share < 2:
        _publish_all(published)
        with pytest.raises(WorkspaceFullError, match="or the reader a larger disk"):
            reader.refresh()
        assert published.fetched() == 0
        reader.close()
        return
    for number in range(UPDATES + 1):
        _publish(published, number)
        assert reader.refresh()
        assert reader.get(["i0"])["i0"].metadata["x"] == number
    reader.close()


def _publish(published: Published, number: int) -> int:
    """Publish the version of a number, which `i0` has as `x`. Return its size in bytes.

    Chroma writes the last part of the graph with a later version than the first.
    """
    if number == 0:
        published.publish(lambda index: index.insert(new(vectors(1, RECORDS, DIMENSION))))
    published.publish(partial(ExactIndex.update, metadata={"i0": {"x": number}}))
    mirror = published.root / "writer" / "mirror"
    return sum(path.stat().st_size for path in mirror.rglob("*.*"))


def _publish_all(published: Published) -> list[int]:
    return [_publish(published, number) for number in range(UPDATES + 1)]


def _largest(published: Published) -> int:
    """Return the size in bytes of the largest of the versions that the test will publish."""
    return max(_publish_all(published))
