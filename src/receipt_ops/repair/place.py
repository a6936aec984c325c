"""The place file: the position of an interrupted backfill, from which the next run resumes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from receipt_ops.errors import OperationError
from receipt_ops.named_files import naming
from receipt_ops.table_pages import Position
from receipt_sync.validation import UtcDatetime, describe

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


@dataclass(frozen=True)
class TableIdentity:
    """Identifies a table: its name, its endpoint, and the id that DynamoDB gave it.

    A table that is deleted and created again has another id.
    """

    name: str
    endpoint: str
    id: str


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _KeyValue(_Part):
    S: Annotated[str, Field(min_length=1)]


class _Key(_Part):
    PK: _KeyValue
    SK: _KeyValue


class _Content(_Part):
    table: str
    table_id: str
    endpoint: str
    begun: UtcDatetime
    next: _Key
    sent: Annotated[int, Field(ge=0)]


class PlaceFile:
    """Reads and writes the place of a table's backfill. A finished backfill deletes the file."""

    def __init__(self, path: Path, table: TableIdentity) -> None:
        self._path, self._table = path, table

    def read(self) -> Place | None:
        """Return the place; None if there is no file.

        Raises PlaceError if the file is unreadable or belongs to another table.
        """
        try:
            content = _Content.model_validate_json(self._content())
        except FileNotFoundError:
            return None
        except ValidationError as error:
            raise PlaceError(
                f"{self._path} is not the place file of a backfill ({describe(error, 1)}): "
                "name another file with --place, or delete this one"
            ) from error
        self._check_table(content)
        return Place(content.begun, content.next.model_dump(), content.sent)

    def _check_table(self, content: _Content) -> None:
        """Raise PlaceError if the place belongs to another table."""
        if (content.table, content.endpoint) != (self._table.name, self._table.endpoint):
            raise PlaceError(
                f"{self._path} is the place file of a backfill of the table {content.table} at "
                f"{content.endpoint}: finish that backfill, or name another file with --place"
            )
        if content.table_id != self._table.id:
            raise PlaceError(
                f"{self._path} is the place file of an earlier table {content.table}, which was "
                "deleted and created again: delete the file, and run the backfill without --resume"
            )

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
        began = f"{place.begun:%Y-%m-%d %H:%M} UTC"
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
        with naming(self._path), self._beside() as scratch:
            scratch.write_text(_SAMPLE)

    def write(self, place: Place) -> None:
        """Replace the file in one step, so that an interruption leaves the old or the new place.

        Raises OSError, which names the place.
        """
        content = _Content(
            table=self._table.name,
            table_id=self._table.id,
            endpoint=self._table.endpoint,
            begun=place.begun,
            next=_Key.model_validate(place.next),
            sent=place.sent,
        )
        with naming(self._path), self._beside() as scratch:
            scratch.write_text(content.model_dump_json() + "\n")
            scratch.replace(self._path)

    def remove(self) -> None:
        """Delete the file."""
        self._path.unlink(missing_ok=True)

    def _content(self) -> bytes:
        with self._path.open("rb") as file:
            return file.read(_MOST_BYTES)

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
