"""Memory that malloc keeps is given back, and not looked for when there is none."""

import ctypes
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from compactor import allocator
from compactor.allocator import GROWTH, Allocator, this_process


@dataclass
class Process:
    """Memory in use, and what malloc keeps besides; all in bytes."""

    used: int = 10 * GROWTH
    kept: int = 0
    trims: int = 0

    def trim(self) -> None:
        self.kept, self.trims = 0, self.trims + 1

    def resident(self) -> int:
        return self.used + self.kept


def test_memory_stays_flat_however_many_cycles_leave_something() -> None:
    process = Process()
    keeper = Allocator(process.trim, process.resident)
    for _ in range(1000):
        process.kept += GROWTH // 20
        keeper.give_back()
        assert process.kept <= GROWTH + GROWTH // 20
    assert process.trims < 60


def test_what_is_in_use_is_not_trimmed_again_and_again() -> None:
    process = Process()
    keeper = Allocator(process.trim, process.resident)
    keeper.give_back()
    process.used += 5 * GROWTH
    for _ in range(10):
        keeper.give_back()
    assert process.trims == 1


def test_this_process_is_measured_in_bytes() -> None:
    assert 2**23 < allocator.resident() < 2**40
    this_process().give_back()


@dataclass
class Library:
    """A C library, and the memory of the process that uses it, which grows with each look."""

    looks: int = 0
    trims: int = 0

    def resident(self) -> int:
        self.looks += 1
        return self.looks * 2 * GROWTH


@dataclass
class Glibc(Library):
    """One whose malloc can be trimmed and has options."""

    options: dict[int, int] = field(default_factory=dict)

    def mallopt(self, name: int, value: int) -> None:
        self.options[name] = value

    def malloc_trim(self, keep: int) -> None:
        assert keep == 0
        self.trims += 1


Loaded = TypeVar("Loaded", bound=Library)


def given_back_twice(library: Loaded, monkeypatch: pytest.MonkeyPatch) -> Loaded:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
    monkeypatch.setattr(allocator, "resident", library.resident)
    keeper = this_process()
    keeper.give_back()
    keeper.give_back()
    return library


def test_where_malloc_is_glibcs_growth_is_trimmed(monkeypatch: pytest.MonkeyPatch) -> None:
    library = given_back_twice(Glibc(), monkeypatch)
    assert library.trims == 1
    assert library.looks > 1
    # malloc.h: M_ARENA_MAX is -8, M_MMAP_THRESHOLD is -3.
    assert library.options == {-8: 1, -3: 128 * 1024}


def test_threads_share_one_arena_and_large_blocks_are_returned_at_once() -> None:
    """Measured in a process of its own, because malloc's options can not be taken back."""
    program = """
import threading
from pathlib import Path
from typing import TypeVar
from compactor.allocator import resident, this_process

this_process()
start = resident()
lock = threading.Barrier(9)

def allocate():
    [bytes(100_000) for _ in range(50)]
    block = bytearray(2**24)
    del block
    block = bytearray(2**23)
    del block
    lock.wait()

threads = [threading.Thread(target=allocate) for _ in range(8)]
for each in threads:
    each.start()
lock.wait()
for each in threads:
    each.join()
print(resident() - start)
"""
    grown = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert int(grown.stdout) < 12 * 2**20


def test_where_malloc_is_not_glibcs_memory_is_not_even_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = given_back_twice(Library(), monkeypatch)
    assert (library.looks, library.trims) == (0, 0)


def test_free_memory_is_the_limit_less_what_only_this_process_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/proc/self/statm counts pages: all, resident, and those of files among the resident."""
    page = os.sysconf("SC_PAGESIZE")
    statm = tmp_path / "statm"
    statm.write_text("9000 500 120 1 0 700 0")
    monkeypatch.setattr(allocator, "_STATM", statm)
    assert allocator.free_memory(1_000 * page) == (1_000 - 500 + 120) * page
    assert allocator.resident() == 500 * page


def test_where_the_memory_can_not_be_seen_all_of_the_limit_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allocator, "_STATM", tmp_path / "absent")
    assert allocator.free_memory(4096) == 4096
    library = given_back_twice(Glibc(), monkeypatch)
    assert (library.looks, library.trims) == (0, 0)
