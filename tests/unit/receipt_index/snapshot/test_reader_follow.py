"""A reader that follows what is published."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from receipt_sync.errors import AlreadyFollowedError
from tests.unit.receipt_index.snapshot.reading import Reading, served

QUICK = 0.001


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(QUICK)


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    return Reading(tmp_path, monkeypatch)


def test_a_followed_reader_serves_each_new_version(reading: Reading) -> None:
    with reading.reader() as reader, reader.follow(QUICK) as following:
        reading.put(a="1")
        wait_until(lambda: reader.version == reading.manifest().version)
        reading.put(b="2")
        wait_until(lambda: reader.version == reading.manifest().version)
        assert served(reader) == {"a": "1", "b": "2"}
        assert following.last_error is None
        with pytest.raises(AlreadyFollowedError):
            reader.follow(QUICK)


def test_a_close_ends_the_refreshes(reading: Reading) -> None:
    reading.put(a="1")
    reader = reading.reader()
    following = reader.follow(QUICK)
    wait_until(lambda: reader.version > 0)
    reader.close()
    assert not following.is_running
