"""What counts as flat: a leak does not, a warm-up does."""

from pathlib import Path

import pytest

from tests.soak.sampling import Series, size_of

_MIB = 2**20


def series(*values: int) -> Series:
    made = Series()
    for at, value in enumerate(values):
        made.add(float(at), value * _MIB)
    return made


def test_what_grows_only_in_its_first_quarter_is_flat():
    assert series(*range(0, 300, 3), *[300] * 300).is_flat


def test_what_grows_to_the_end_is_not():
    assert not series(*range(200, 600)).is_flat


def test_what_saws_at_one_level_is_flat():
    assert series(*[200 + 5 * (n % 40) for n in range(400)]).is_flat


@pytest.mark.parametrize("values", [(), (1,), (1, 2)])
def test_few_values_are_no_error(values: tuple[int, ...]):
    assert series(*values).is_flat


def test_a_folder_is_as_large_as_its_files_on_disk(tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "file").write_bytes(b"x" * 10_000)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(2**30)
    assert 10_000 <= size_of(tmp_path) < 100_000
