"""Every bound holds at small sizes, and the tests detect a bound that is exceeded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.state import PROJECT
from tests.reliability.bounds.campaign import run
from tests.reliability.bounds.cases import CASES, SHARES
from tests.reliability.bounds.disk import Disk, disk_of
from tests.reliability.bounds.limits import MIB, of_template

# Two cases in a row may take `_SECONDS` of campaign.py each.
pytestmark = pytest.mark.timeout(1900)

TOO_MUCH = """
from tests.reliability.bounds.limits import MIB, limit_memory
limit_memory(512 * MIB)
try:
    bytearray(600 * MIB)
except MemoryError:
    print("refused")
"""


def _marked(name: str) -> object:
    """A case that needs another one's records takes over ten seconds; the other is tried alone."""
    return pytest.param(name, marks=pytest.mark.long) if name in SHARES else name


@pytest.mark.parametrize("name", [_marked(name) for name in CASES])
def test_no_process_exceeds_its_memory_or_disk_and_no_message_is_lost(name: str) -> None:
    names = [SHARES[name], name] if name in SHARES else [name]
    for result in run(names, quick=True):
        assert result.wrong == []
        assert result.messages > 0
        assert result.memory_before < result.memory_peak < result.memory


def test_a_process_gets_no_more_memory_than_its_limit() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TOO_MUCH], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "refused\n"


def test_sizes_are_those_of_the_template() -> None:
    assert of_template("CompactorMemory") == 2048 * MIB
    assert of_template("CompactorEphemeralStorage") == 4096 * MIB


def test_a_disk_that_is_exceeded_is_seen(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 1 * MIB, "watched folder")
    (tmp_path / "file").write_bytes(os.urandom(2 * MIB))
    disk.look()
    assert disk.overfull


def test_a_disk_is_gone_after_its_use(tmp_path: Path) -> None:
    with disk_of(tmp_path / "disk", 4 * MIB) as disk:
        (disk.folder / "file").write_bytes(bytes(MIB))
    assert not disk.folder.exists()
