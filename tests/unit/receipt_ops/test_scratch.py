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


def test_the_next_command_removes_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    left = Path(killed.stdout.strip())
    assert (left / "block").exists()
    with scratch() as mine:
        assert mine.parent == left.parent
        assert not left.exists()
    assert not mine.exists()
