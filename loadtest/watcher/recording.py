"""Records a run for its report: sightings and moments, one line of JSON each."""

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

    `rate` is the rate that is asked of the users, in changes a second. A change is an item of the
    table that is written or deleted. These count since the beginning: `changes`; the writes that
    are `irrelevant` or `failures`; `vectors`; the changes that are visible (`seen`) or were not
    visible within the limit (`never`). `outstanding` is the number of changes that are not visible
    yet. `waiting` and `in_flight` are messages of the compaction queue.
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
    """The end of a run. Times are seconds since 1970-01-01T00:00:00Z.

    `changes` and `vectors` are as in Moment, counted after the last write. `held` and `reason` are
    the result of a search for the knee.
    """

    began_at: float
    ended_at: float
    changes: int
    vectors: int
    latency: tuple[Latency, ...]
    held: float | None = None
    reason: str = ""


def forget(folder: Path) -> None:
    """Delete the end of an earlier run in `folder`, so that `has_ended` is about the new run."""
    (folder / _END).unlink(missing_ok=True)


def has_ended(folder: Path) -> bool:
    """Return whether `folder` holds a run that was recorded to its end."""
    return (folder / _END).exists()


class Recording:
    """Writes the files of one run into `folder`, and replaces those of an earlier run."""

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

    def abandon(self) -> None:
        """Close the files of a run that has no end, because it did not begin."""
        self._freshness.close()
        self._timeline.close()

    def close(self, end: End) -> None:
        """Write the end of the run and close the files."""
        self.abandon()
        (self._folder / _END).write_text(json.dumps(asdict(end)))


@dataclass(frozen=True)
class Recorded:
    """A recorded run."""

    sightings: list[Sighting]
    moments: list[Moment]
    end: End

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read a run from a folder.

        Raises:
            OSError: The folder holds no run that was recorded to its end.
        """
        end = _end(json.loads((folder / _END).read_text()))
        sightings = [Sighting.of_line(line) for line in _lines(folder / _FRESHNESS)]
        moments = [Moment(**json.loads(line)) for line in _lines(folder / _TIMELINE)]
        return cls(sightings, moments, end)


def _end(found: dict[str, Any]) -> End:
    return End(**(found | {"latency": tuple(Latency(**row) for row in found["latency"])}))


def _lines(path: Path) -> Iterator[str]:
    with path.open() as file:
        yield from file
