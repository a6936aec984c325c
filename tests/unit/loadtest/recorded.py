"""Builds recorded runs, in the files that Locust and the session leave."""

from collections.abc import Sequence
from pathlib import Path

from loadtest.kinds import Kind
from loadtest.latency import Latency
from loadtest.watcher.expectations import Sighting
from loadtest.watcher.recording import End, Moment, Recording

BEGAN_AT = 1_000.0
LATENCY = (
    Latency("line edit", 90, 2, 7, 21, 31.5),
    Latency("burst", 10, 0, 7, 21, 31.5),
    Latency("irrelevant", 20, 0, 5, 8, 9),
)


def moment(second: int, outstanding: int = 5, **counts: int) -> Moment:
    usual = {
        "users": 10, "changes": 10 * second, "irrelevant": 2 * second, "failures": 0,
        "vectors": second, "seen": 9 * second, "never": 0,
        "waiting": 3, "in_flight": 2,
    }  # fmt: skip
    return Moment(at=BEGAN_AT + second, rate=10.0, outstanding=outstanding, **(usual | counts))


def sighting(action: int, seconds: float | None, kind: Kind = Kind.LINE) -> Sighting:
    written_at = BEGAN_AT + action / 10
    seen_at = None if seconds is None else written_at + seconds
    return Sighting(action, kind, 1, 3, written_at, seen_at)


def record(folder: Path, sightings: Sequence[Sighting], end: End) -> Path:
    """Write a recorded run of ten seconds into a folder."""
    recording = Recording(folder)
    for one in sightings:
        recording.sighting(one)
    for second in range(1, 13):
        recording.moment(moment(second, outstanding=second))
    recording.close(end)
    return folder
