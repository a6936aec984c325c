"""The place file: the position of an interrupted backfill, from which the next run resumes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from receipt_ops.errors import OperationError
from receipt_ops.table_pages import Position

MOST_AGE: Final = timedelta(hours=24)
"""The stream keeps a change for 24 hours. Later changes of sent items may be lost after that."""

MOST_SKEW: Final = timedelta(minutes=5)
"""The most that the clocks of two machines differ. Another machine may resume a run."""

_SAMPLE: Final = " " * 4096
"""About as large as the largest place. DynamoDB's limit for both keys of an item is 3 KiB."""

_MOST_BYTES: Final = 64 * 1024
"""More than any place file holds. A device such as /dev/zero has no end."""


class PlaceError(OperationError):
    """The place file is unreadable, missing, of a wrong age, or it belongs to another table."""


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
            content: Any = json.loads(self._content())
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
        """Return the place to resume from.

        Raises PlaceError if there is none, if it is too old, or if its run began in the future.
        """
        place = self.read()
        if place is None:
            raise PlaceError(
                f"there is no place file {self._path}, so there is no run to resume: "
                "leave out --resume"
            )
        began = f"{place.begun.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        if place.begun - now > MOST_SKEW:
            raise PlaceError(
                f"the run of {self._path} began at {began}, which is in "
                "the future, so its age is unknown: correct the clock of this machine, or leave "
                "out --resume"
            )
        if now - place.begun > MOST_AGE:
            raise PlaceError(
                f"the run of {self._path} began at {began}. The stream "
                "keeps changes for 24 hours only, so later changes may be lost: leave out --resume"
            )
        return place

    def check_writable(self) -> None:
        """Write a file beside the place and delete it. Raises OSError, which names the place."""
        with self._named(), self._beside() as scratch:
            scratch.write_text(_SAMPLE)

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
        with self._named(), self._beside() as scratch:
            scratch.write_text(json.dumps(content) + "\n")
            scratch.replace(self._path)

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)

    def _content(self) -> bytes:
        with self._path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise ValueError("a place file is never that large")
        return content

    @contextmanager
    def _beside(self) -> Iterator[Path]:
        """Give a new file in the folder of the place, and delete it if it is still there.

        Its name is random, so that it replaces no file of another program.
        """
        folder, prefix = self._path.parent, f"{self._path.name}."
        with NamedTemporaryFile(dir=folder, prefix=prefix, suffix=".new", delete=False) as file:
            scratch = Path(file.name)
        try:
            yield scratch
        finally:
            # An error of the block says what is wrong, so one of the deletion adds nothing.
            with suppress(OSError):
                scratch.unlink(missing_ok=True)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Make an OSError of the block name the place file. That of a full disk names no file."""
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error


def _with_zone(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time has no time zone")
    return moment
