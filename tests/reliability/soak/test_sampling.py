"""The judgement of memory: a warm-up is flat, and a leak or a lack of samples is not."""

from pathlib import Path

import pytest

from tests.reliability.soak.memory import SLACK, Memory
from tests.reliability.soak.sampling import size_of
from tests.reliability.soak.series import Series

_MIB = 2**20
_HALF_AN_HOUR = [429 + (595 - 429) * n / 1800 for n in range(1800)]
"""MiB, second by second: a leak that an earlier judgement took for flat."""


def memory(*values: float, pid: int = 1) -> Memory:
    made = Memory()
    for at, value in enumerate(values):
        made.add(float(at), {pid: round(value * _MIB)})
    return made


def series(*values: int) -> Series:
    made = Series()
    for at, value in enumerate(values):
        made.add(float(at), value * _MIB)
    return made


def test_what_grows_only_in_its_first_quarter_is_flat() -> None:
    assert memory(*range(0, 300, 3), *[300] * 300).is_flat


def test_a_leak_of_five_mebibytes_a_minute_is_not_flat() -> None:
    leaking = memory(*_HALF_AN_HOUR)
    assert leaking.growth == pytest.approx(0.75 * (595 - 429) * _MIB, rel=0.01)
    assert not leaking.is_flat


def test_what_saws_at_one_level_is_flat_and_on_a_rising_one_is_not() -> None:
    teeth = [300 + n % 30 for n in range(1200)]
    assert memory(*teeth).is_flat
    assert not memory(*(tooth + n / 20 for n, tooth in enumerate(teeth))).is_flat


@pytest.mark.parametrize(("growth", "flat"), [(SLACK - _MIB, True), (SLACK + _MIB, False)])
def test_the_bound_is_the_growth_after_the_warm_up(growth: int, flat: bool) -> None:
    rise = growth / _MIB / 0.75
    assert memory(*(400 + rise * n / 999 for n in range(1000))).is_flat is flat


def test_a_process_that_takes_anothers_place_hides_no_leak() -> None:
    """The largest process saws at one level, and each of the processes grows."""
    made = Memory()
    for at in range(400):
        made.add(float(at), {at // 250: (300 + at % 250) * _MIB})
    assert len(made.processes) == 2
    assert not made.is_flat


@pytest.mark.parametrize("values", [(), (1,), (1, 2), [300] * 7])
def test_too_few_looks_are_no_proof(values: tuple[int, ...]) -> None:
    assert memory(*values).growth is None
    assert not memory(*values).is_flat


def test_processes_that_all_end_soon_are_no_proof() -> None:
    made = Memory()
    for at in range(100):
        made.add(float(at), {at // 10: 300 * _MIB})
    assert made.growth is None
    assert not made.is_flat


def test_what_lies_on_disk_may_not_grow_to_the_end() -> None:
    assert series(*range(0, 300, 3), *[300] * 300).is_bounded
    assert not series(*range(200, 600)).is_bounded
    assert not series().is_bounded
    assert not series(0, 0, 0, 0).is_bounded


def test_a_folder_is_as_large_as_its_files_on_disk(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"x" * 10_000)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**30)
    assert 10_000 <= size_of(tmp_path) < 100_000
