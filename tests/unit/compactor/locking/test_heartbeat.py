"""The lease is extended while a cycle works, and not a moment longer."""

import threading

import pytest

from compactor.locking.heartbeat import ThreadHeartbeat
from receipt_sync.errors import LeaseLostError, LockTableError
from tests.support.fakes.telemetry import RecordingTelemetry

SOON = 0.001
LONG = 30.0


class Beats:
    """Counts beats. `errors` are raised by the first ones. `enough` is set at the third."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.count = list(errors), 0
        self.enough = threading.Event()

    def __call__(self) -> None:
        self.count += 1
        if self.count >= 3:
            self.enough.set()
        if self.errors:
            raise self.errors.pop(0)


def test_it_beats_while_the_block_runs_and_stops_with_it() -> None:
    beats, before = Beats(), threading.active_count()
    with ThreadHeartbeat(SOON, RecordingTelemetry())(beats):
        assert beats.enough.wait(LONG)
    assert threading.active_count() == before


def test_a_block_that_is_shorter_than_the_interval_has_no_beat_and_does_not_wait() -> None:
    beats = Beats()
    with ThreadHeartbeat(LONG, RecordingTelemetry())(beats):
        pass
    assert beats.count == 0


def test_it_stops_when_the_block_fails() -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), ThreadHeartbeat(LONG, RecordingTelemetry())(Beats()):
        raise KeyError
    assert threading.active_count() == before


def test_a_beat_without_an_answer_is_reported_and_tried_again() -> None:
    telemetry, beats = RecordingTelemetry(), Beats(LockTableError("no answer"))
    with ThreadHeartbeat(SOON, telemetry)(beats):
        assert beats.enough.wait(LONG)
    assert telemetry.problems == [
        ("heartbeat failed", {"error": "LockTableError", "detail": "no answer"})
    ]


def test_a_lost_lease_is_not_extended_again() -> None:
    telemetry, beats = RecordingTelemetry(), Beats(LeaseLostError("lost"))
    with ThreadHeartbeat(SOON, telemetry)(beats):
        assert not beats.enough.wait(0.1)
    assert (beats.count, telemetry.problems) == (1, [])
