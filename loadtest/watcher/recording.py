"""What a run leaves for its report: sightings and moments, a line of JSON each."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

from loadtest.latency import Latency
from loadtest.watcher.expectations import Sighting

_FRESHNESS: Final = "freshness.jsonl"
_TIMELINE: Final = "timeline.jsonl"
_END: Final = "end.json"


@dataclass(frozen=True)
class Moment:
    """The state of a run, about once a second. `at` is seconds since 1970-01-01T00:00:00Z.

    `rate` is what is asked of the users, in changes a second: items of the table that are written
    or deleted. `changes`, `irrelevant` and `failures` (writes), `vectors`, and the changes that
    were `seen` and `never` came count since the beginning. `outstanding` is changes that are not
    visible; `waiting` and `in_flight` are messages of the queue.
    """

    at: float
    rate: float
    users: int
    changes: int
    irrelevant: int
    failures: int
    vectors: int
    seen: int
    never: int
    outstanding: int
    waiting: int
    in_flight: int


@dataclass(frozen=True)
class End:
    """How writing ended: when, what was written by then, and what a search for the knee found.

    `changes` and `vectors` are as in Moment, counted after the last write.
    """

    began_at: float
    ended_at: float
    changes: int
    vectors: int
    latency: tuple[Latency, ...]
    held: float | None = None
    reason: str = ""


def forget(folder: Path) -> None:
    """Make sure that no earlier run in `folder` is taken for one that has ended now."""
    (folder / _END).unlink(missing_ok=True)


def has_ended(folder: Path) -> bool:
    """Return whether a run was recorded to its end in `folder`."""
    return (folder / _END).exists()


class Recording:
    """The files of one run below `folder`; an earlier run's are replaced."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        forget(folder)
        self._freshness = (folder / _FRESHNESS).open("w")
        self._timeline = (folder / _TIMELINE).open("w")

    def sighting(self, sighting: Sighting) -> None:
        self._freshness.write(sighting.to_line())

    def moment(self, moment: Moment) -> None:
        self._timeline.write(json.dumps(asdict(moment)) + "\n")

    def close(self, end: End) -> None:
        """The last that is recorded."""
        self._freshness.close()
        self._timeline.close()
        (self._folder / _END).write_text(json.dumps(asdict(end)))


@dataclass(frozen=True)
class Recorded:
    """A run as it was recorded."""

    sightings: list[Sighting]
    moments: list[Moment]
    end: End

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises OSError if no run has come to its end there."""
        end = _end(json.loads((folder / _END).read_text()))
        sightings = [Sighting.of_line(line) for line in _lines(folder / _FRESHNESS)]
        moments = [Moment(**json.loads(line)) for line in _lines(folder / _TIMELINE)]
        return cls(sightings, moments, end)


def _end(found: dict[str, Any]) -> End:
    return End(**(found | {"latency": tuple(Latency(**row) for row in found["latency"])}))


def _lines(path: Path) -> Iterator[str]:
    with path.open() as file:
        yield from file
