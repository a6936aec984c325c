import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_index.snapshot.copies.mtime_marks import are_marked_equal, mark_equal
from receipt_index.snapshot.copies.synchronise import difference, synchronise
from receipt_index.snapshot.format.pack import apply_pack, build_pack
from receipt_index.snapshot.format.pages import (
    PAGE_SIZE,
    check_sizes,
    copy_pages,
    differing_pages,
)
from receipt_sync.errors import SnapshotDamagedError

SIZES = st.sampled_from([0, 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 3 * PAGE_SIZE, 20_000])


@st.composite
def two_states_of_a_file(draw: st.DrawFn) -> tuple[bytes, bytes]:
    old = bytearray(os.urandom(0) + b"a" * draw(SIZES))
    new = bytearray((old + b"b" * 30_000)[: draw(SIZES)])
    for position in draw(st.lists(st.integers(0, 20_000), max_size=4)):
        if position < len(new):
            new[position] ^= 0xFF
    return bytes(old), bytes(new)


@given(two_states_of_a_file())
def test_differing_pages_are_exactly_those_that_turn_one_file_into_the_other(
    tmp_path_factory: pytest.TempPathFactory, states: tuple[bytes, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("pages")
    old, new = folder / "old", folder / "new"
    old.write_bytes(states[0])
    new.write_bytes(states[1])
    pages = differing_pages(old, new)
    for page in range(-(-len(states[1]) // PAGE_SIZE)):
        span = slice(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)
        assert (page in pages) == (states[0][span] != states[1][span])
    copy_pages(new, old, pages)
    assert old.read_bytes() == states[1]


@given(two_states_of_a_file())
def test_a_pack_leads_from_one_version_to_the_next(
    tmp_path_factory: pytest.TempPathFactory, states: tuple[bytes, bytes]
) -> None:
    root = tmp_path_factory.mktemp("pack")
    old, new = root / "old", root / "new"
    for folder, content in ((old, states[0]), (new, states[1])):
        folder.mkdir()
        (folder / "file").write_bytes(content)
    (old / "gone").write_bytes(b"x")
    (new / "fresh").write_bytes(b"y" * 5000)
    changed, removed = difference(old, new)
    apply_pack(build_pack(new, changed, removed), old)
    assert {p.name: p.read_bytes() for p in old.iterdir()} == {
        p.name: p.read_bytes() for p in new.iterdir()
    }


@pytest.mark.parametrize("damage", [lambda d: d[:-3], lambda d: b"junk" + d, lambda d: b""])
def test_a_damaged_pack_is_refused_before_anything_is_written(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    target.mkdir()
    (source / "file").write_bytes(os.urandom(10_000))
    pack = build_pack(source, {"file": [0, 1, 2]}, ())
    with pytest.raises(SnapshotDamagedError):
        apply_pack(damage(pack), target)
    assert list(target.iterdir()) == []


def test_many_pages_are_copied_in_runs(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(bytes(3_000_000))
    content = bytearray(os.urandom(3_500_001))
    content[10 * PAGE_SIZE : 20 * PAGE_SIZE] = bytes(10 * PAGE_SIZE)
    new.write_bytes(content)
    copy_pages(new, old, differing_pages(old, new))
    assert old.read_bytes() == content


def test_a_write_within_the_same_tick_of_the_clock_is_seen(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(b"a")
    other.write_bytes(b"a")
    assert not are_marked_equal(one, other)
    mark_equal(one, other)
    assert are_marked_equal(one, other)
    one.write_bytes(b"b")
    assert not are_marked_equal(one, other)


def test_a_copy_of_an_earlier_content_is_not_taken_for_one_of_the_present(tmp_path: Path) -> None:
    source, first, second = tmp_path / "source", tmp_path / "first", tmp_path / "second"
    source.mkdir()
    (source / "file").write_bytes(b"a" * 9000)
    synchronise(source, first)
    synchronise(source, second)
    assert are_marked_equal(first / "file", second / "file")
    (source / "file").write_bytes(b"b" * 9000)
    synchronise(source, second)
    assert difference(first, source) == ({"file": [0, 1, 2]}, ())
    synchronise(source, first)
    assert (first / "file").read_bytes() == b"b" * 9000
    assert are_marked_equal(first / "file", second / "file")


def test_clean_files_are_not_read_and_dirty_ones_are(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.mkdir()
    (source / "file").write_bytes(b"a" * 9000)
    synchronise(source, target)
    assert difference(source, target) == ({}, ())
    with (target / "file").open("r+b") as file:
        file.seek(5000)
        file.write(b"z")
    assert difference(source, target) == ({"file": [1]}, ())


def test_a_file_full_of_holes_is_called_damaged(tmp_path: Path) -> None:
    with (tmp_path / "link_lists.bin").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(SnapshotDamagedError, match="not allocated"):
        check_sizes(tmp_path)


@pytest.mark.parametrize("pages", [[0], [1, 3], [2, 3], [5], list(range(6)), []])
def test_only_the_given_pages_are_copied(tmp_path: Path, pages: list[int]) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"s" * PAGE_SIZE * 6)
    target.write_bytes(b"t" * PAGE_SIZE * 6)
    copy_pages(source, target, pages)
    content = target.read_bytes()
    starts = [content[start : start + PAGE_SIZE] for start in range(0, len(content), PAGE_SIZE)]
    expected = [(b"s" if number in pages else b"t") * PAGE_SIZE for number in range(6)]
    assert starts == expected
