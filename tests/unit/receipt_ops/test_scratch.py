"""A command that is killed leaves a folder, and the next command removes it."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from receipt_ops.scratch import scratch

_KILLED = """
import os, signal
from receipt_ops.scratch import scratch
with scratch() as folder:
    (folder / "block").write_bytes(b"x")
    print(folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


_UNABLE = """
import shutil
from receipt_ops.scratch import scratch
shutil.rmtree = lambda *_, **__: None
with scratch() as folder:
    (folder / "block").write_bytes(b"x")
    print(folder, flush=True)
"""
"""A command that can open no more files, so that it can list and remove no folder."""


def folder_of(script: str, temporary: Path) -> Path:
    """Run a script in a process of its own, and return the folder that it printed."""
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=False,
    )
    return Path(ended.stdout.strip())


def test_the_next_command_removes_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = folder_of(_KILLED, tmp_path)
    assert (left / "block").exists()
    with scratch() as mine:
        assert mine.parent == left.parent
        assert not left.exists()
    assert not mine.exists()


def test_the_next_command_removes_a_folder_that_could_not_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that could open no more files left its folder for ever, because its lock went."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = folder_of(_UNABLE, tmp_path)
    also_left = folder_of(_UNABLE, tmp_path)
    assert left.exists(), "the second command could not remove it either"
    with scratch() as mine:
        assert not left.exists()
        assert not also_left.exists()
    assert list(mine.parent.iterdir()) == []
