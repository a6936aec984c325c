"""The place file: the position of an interrupted backfill, from which the next run resumes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from operations.errors import OperationError
from operations.table_pages import Position

MOST_AGE: Final = timedelta(hours=24)
"""The stream keeps a change for 24 hours. Later changes of sent items may be lost after that."""

_SAMPLE: Final = " " * 4096
"""About as large as the largest place. DynamoDB's limit for both keys of an item is 3 KiB."""


class PlaceError(OperationError):
    """The place file is unreadable, too old or missing, or it belongs to another table."""


@dataclass(frozen=True)
class Place:
    """Holds the next page of a run that began at `begun`, and the number of records it sent."""

    begun: datetime
    next: Position
    sent: int


class PlaceFile:
    """Reads and writes the place of a table's backfill. A finished backfill deletes the file."""

    def __init__(self, path: Path, table: str, endpoint: str) -> None:
        self._path, self._table, self._endpoint = path, table, endpoint

    def read(self) -> Place | None:
        """Return the place; None if there is no file.

        Raises PlaceError if the file is unreadable or belongs to another table.
        """
        try:
            content: Any = json.loads(self._path.read_text())
            place = Place(_with_zone(content["begun"]), dict(content["next"]), int(content["sent"]))
            origin = content["table"], content["endpoint"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise PlaceError(
                f"{self._path} is not the place file of a backfill: "
                "name another file with --place, or delete this one"
            ) from error
        if origin != (self._table, self._endpoint):
            raise PlaceError(
                f"{self._path} is the place file of a backfill of the table {origin[0]} at "
                f"{origin[1]}: finish that backfill, or name another file with --place"
            )
        return place

    def resumed(self, now: datetime) -> Place:
        """Return the place to resume from. Raises PlaceError if there is none or it is too old."""
        place = self.read()
        if place is None:
            raise PlaceError(
                f"there is no place file {self._path}, so there is no run to resume: "
                "leave out --resume"
            )
        if now - place.begun > MOST_AGE:
            raise PlaceError(
                f"the run of {self._path} began at {place.begun:%Y-%m-%d %H:%M} UTC. The stream "
                "keeps changes for 24 hours only, so later changes may be lost: leave out --resume"
            )
        return place

    def check_writable(self) -> None:
        """Write a file beside the place and delete it. Raises OSError, which names the place."""
        with self._named():
            self._scratch.write_text(_SAMPLE)
            self._scratch.unlink()

    def write(self, place: Place) -> None:
        """Replace the file in one step, so that an interruption leaves the old or the new place.

        Raises OSError, which names the place.
        """
        content = {
            "table": self._table,
            "endpoint": self._endpoint,
            "begun": place.begun.isoformat(),
            "next": place.next,
            "sent": place.sent,
        }
        with self._named():
            self._scratch.write_text(json.dumps(content) + "\n")
            self._scratch.replace(self._path)

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)

    @property
    def _scratch(self) -> Path:
        return self._path.with_name(self._path.name + ".new")

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Make an OSError of the block name the place file. That of a full disk names no file."""
        try:
            yield
        except OSError as error:
            self._discard()
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _discard(self) -> None:
        # The first error says what is wrong, so this one adds nothing.
        with suppress(OSError):
            self._scratch.unlink(missing_ok=True)


def _with_zone(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no time zone")
    return moment
