"""A reader that starts on a folder which an earlier process left."""

from collections.abc import Callable
from pathlib import Path

import pytest

from receipt_index.snapshot.format.compression import digest_of
from receipt_index.snapshot.format.pages import list_files
from receipt_index.snapshot.reading import turns
from receipt_sync.errors import SnapshotDamagedError
from tests.unit.receipt_index.snapshot.reading import FailingStore, Reading, kill, served

BIG = "x" * 30_000
OTHER = "y" * 30_000


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    reading = Reading(tmp_path, monkeypatch)
    reading.put(a=BIG)
    return reading


def left_after(reading: Reading, *versions: dict[str, str]) -> None:
    """A reader follows the first version and these, and is killed."""
    reader = reading.process()
    reader.refresh()
    for records in versions:
        reading.put(**records)
        reader.refresh()
    kill(reader)


def test_a_restarted_reader_serves_what_is_published_now(reading: Reading) -> None:
    """The scripts reader_restart_kill and reader_restart_sigterm."""
    left_after(reading, {"b": "1"})
    reading.put(a=OTHER)
    reading.put(c="1")
    reader = reading.process()
    reader.refresh()
    reading.put(d="1")
    reader.refresh()
    assert served(reader) == {"a": OTHER, "b": "1", "c": "1", "d": "1"}


def test_marks_of_an_earlier_process_are_not_believed(reading: Reading) -> None:
    """Each process numbers its marks from the same start, so two of them may have the same."""
    left_after(reading)
    reader = reading.process()
    reader.refresh()
    for number in range(5):
        reading.put(a=f"{number}" * 30_000)
        reader.refresh()
        reading.put(b=f"{number}")
        reader.refresh()
        assert served(reader)["a"] == f"{number}" * 30_000


def test_marks_that_start_equal_are_found(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The planted bug: what an earlier process marked is believed."""
    monkeypatch.setattr(turns, "forget_marks", lambda _: None)
    with pytest.raises((AssertionError, SnapshotDamagedError)):
        test_marks_of_an_earlier_process_are_not_believed(reading)


def test_a_warm_restart_fetches_nothing_that_is_there(reading: Reading) -> None:
    left_after(reading, {"b": "1"}, {"c": "1"})
    store = FailingStore(reading)
    reader = reading.process()
    assert reader.refresh()
    assert store.fetched == []
    assert served(reader).keys() == {"a", "b", "c"}


def test_a_warm_restart_fetches_the_packs_that_are_new(reading: Reading) -> None:
    left_after(reading, {"b": "1"}, {"c": "1"})
    reading.put(d="1")
    reading.put(e="1")
    store = FailingStore(reading)
    reader = reading.process()
    reader.refresh()
    assert store.fetched == [f"packs/{p.digest}" for p in reading.manifest().packs[-2:]]
    assert served(reader).keys() == {"a", "b", "c", "d", "e"}


def test_a_page_that_changed_on_disk_is_not_served(reading: Reading) -> None:
    left_after(reading, {"b": "1"})
    for copy in (reading.reader_root / "reader-1").glob("copy-*"):
        (copy / "segment" / "records.json").write_text('{"a": "not this"}')
    reader = reading.process()
    reader.refresh()
    assert served(reader) == {"a": BIG, "b": "1"}


def sealed(content: bytes) -> bytes:
    """A state with its digest, whatever it holds."""
    return digest_of(content).encode() + b"\n" + content


def body(state: bytes) -> bytes:
    return state.partition(b"\n")[2]


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"half of it",
        lambda state: state.replace(b"records.json", b"records.jsoN"),
        lambda _: sealed(b"[]"),
        lambda _: sealed(b"{}"),
        lambda state: sealed(body(state).replace(b'"pages":{', b'"pages":{"../x":"00",')),
        lambda state: sealed(body(state).replace(b'"pages":{', b'"pages":{"more":"00",')),
    ],
)
def test_a_state_that_is_not_whole_is_not_believed(
    reading: Reading, change: Callable[[bytes], bytes]
) -> None:
    left_after(reading, {"b": "1"})
    state = reading.reader_root / "reader-1" / "state"
    changed = change(state.read_bytes())
    assert changed != state.read_bytes()
    state.write_bytes(changed)
    reader = reading.process()
    reader.refresh()
    assert served(reader) == {"a": BIG, "b": "1"}


def test_a_reader_killed_while_it_lays_a_pack_goes_on_from_there(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = reading.process()
    reader.refresh()
    reading.put(b=OTHER)
    monkeypatch.setattr("receipt_index.snapshot.reading.turns.write_state", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        reader.refresh()
    monkeypatch.undo()
    kill(reader)
    again = Reading(reading.root / "again", monkeypatch)
    again.store, again.reader_root = reading.store, reading.reader_root
    store = FailingStore(again)
    reader = again.process()
    reader.refresh()
    assert store.fetched == [f"packs/{p.digest}" for p in reading.manifest().packs[-1:]]
    assert served(reader) == {"a": BIG, "b": OTHER}


def test_a_reader_killed_in_its_first_download_keeps_the_blocks(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    FailingStore(reading, reading.block(-1), KeyboardInterrupt())
    reader = reading.process()
    monkeypatch.setattr("receipt_index.snapshot.copies.base._THREADS", 1)
    with pytest.raises(KeyboardInterrupt):
        reader.refresh()
    kill(reader)
    store = FailingStore(reading)
    reader = reading.process()
    reader.refresh()
    assert len(store.fetched) == len(reading.manifest().objects) - 1
    assert served(reader) == {"a": BIG}


def test_two_readers_on_one_folder_each_work(reading: Reading) -> None:
    one, other = reading.process(), reading.process()
    for number in range(3):
        one.refresh()
        other.refresh()
        assert served(one) == served(other)
        reading.put(**{f"n{number}": "1"})
    one.close()
    assert served(other).keys() == {"a", "n0", "n1"}
    assert list_files(reading.reader_root / "reader-2")


def test_a_restarted_reader_does_not_go_back(reading: Reading) -> None:
    left_after(reading, {"b": "1"})
    reading.store.data = reading.history[-1].to_json()
    reading.store.puts += 1
    with pytest.raises(SnapshotDamagedError, match=r"version 1 of .* after version 2"):
        reading.process().refresh()


def test_a_restarted_reader_knows_that_a_manifest_was_there(reading: Reading) -> None:
    left_after(reading, {"b": "1"})
    reading.store.data = None
    with pytest.raises(SnapshotDamagedError, match="the manifest of receipt_lines is gone"):
        reading.process().refresh()


def test_a_file_that_became_shorter_is_followed_and_needs_no_fetch_after_a_restart(
    reading: Reading,
) -> None:
    left_after(reading, {"a": "short"})
    store = FailingStore(reading)
    reader = reading.process()
    assert reader.refresh()
    assert served(reader) == {"a": "short"}
    assert store.fetched == []
