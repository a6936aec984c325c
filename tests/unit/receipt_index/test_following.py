"""Background refreshes: at once, at an interval, past errors, until a stop."""

import logging
import threading
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from receipt_index.following import Following, follow
from receipt_sync.errors import AlreadyFollowedError, ReaderClosedError, SnapshotDamagedError

QUICK = 0.001


class Refreshes:
    """Counts refreshes, and raises the errors that it is given, one for each refresh."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.count = list(errors), 0

    def __call__(self) -> bool:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return True


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(QUICK)


def following(refresh: Callable[[], bool], interval: float = QUICK) -> Following:
    return Following(refresh, interval, "receipt_lines", Random(0))


def test_refreshes_follow_each_other_until_the_stop() -> None:
    refresh = Refreshes()
    with following(refresh) as running:
        wait_until(lambda: refresh.count >= 3)
        assert running.is_running
    assert not running.is_running
    count = refresh.count
    time.sleep(20 * QUICK)
    assert refresh.count == count


def test_the_first_refresh_does_not_wait_and_a_stop_ends_the_pause() -> None:
    refresh = Refreshes()
    running = following(refresh, interval=3600)
    wait_until(lambda: refresh.count == 1)
    running.stop()
    running.stop()
    assert refresh.count == 1


def test_an_error_is_shown_and_the_next_refresh_removes_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    may_go_on = threading.Event()
    refresh = Refreshes(SnapshotDamagedError("block 1"), ValueError("a receipt's text"))

    def refreshed() -> bool:
        if refresh.count == 2:
            assert may_go_on.wait(30)
        return refresh()

    with caplog.at_level(logging.WARNING), following(refreshed) as running:
        wait_until(lambda: running.failures == 2)
        assert isinstance(running.last_error, ValueError)
        may_go_on.set()
        wait_until(lambda: running.last_error is None)
        assert running.failures == 0
    assert "SnapshotDamagedError: block 1" in caplog.text
    assert "ValueError" in caplog.text
    assert "a receipt's text" not in caplog.text


def test_failures_in_a_row_make_longer_pauses(caplog: pytest.LogCaptureFixture) -> None:
    refresh = Refreshes(*(OSError() for _ in range(5)))
    with caplog.at_level(logging.WARNING), following(refresh):
        wait_until(lambda: refresh.count > 5)
    assert len(caplog.records) == 5
    waits: list[Any] = [
        record.args[1] for record in caplog.records if isinstance(record.args, tuple)
    ]
    assert all(isinstance(wait, float) and 0 < wait <= QUICK * 16 for wait in waits)
    assert max(waits) > QUICK


def test_a_closed_reader_ends_it() -> None:
    running = following(Refreshes(ReaderClosedError("closed")))
    wait_until(lambda: not running.is_running)
    assert isinstance(running.last_error, ReaderClosedError)


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
def test_an_interval_is_more_than_nothing(interval: float) -> None:
    with pytest.raises(ValueError, match="give more than 0"):
        following(Refreshes(), interval)


def test_one_thread_follows_a_reader() -> None:
    first = follow(Refreshes(), 3600, "receipt_lines", None)
    with pytest.raises(AlreadyFollowedError, match="receipt_lines"):
        follow(Refreshes(), 3600, "receipt_lines", first)
    first.stop()
    follow(Refreshes(), 3600, "receipt_lines", first).stop()
