"""Where a backfill has got to, so that an interrupted one need not begin again."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from operations.errors import OperationError
from operations.table_pages import Position

MOST_AGE: Final = timedelta(hours=24)
"""For so long the stream keeps a change. What an older run has sent may have changed unseen."""


class PlaceError(OperationError):
    """The place file is unreadable, too old, missing, or that of another table."""


@dataclass(frozen=True)
class Place:
    """The next page of a run that began at `begun`, and how many records that run had sent."""

    begun: datetime
    next: Position
    sent: int


class PlaceFile:
    """The place of a backfill of a table; the file is gone once it is done."""

    def __init__(self, path: Path, table: str, endpoint: str) -> None:
        self._path, self._table, self._endpoint = path, table, endpoint

    def read(self) -> Place | None:
        """Return the place, if there is one. Raises PlaceError."""
        try:
            content: Any = json.loads(self._path.read_text())
            place = Place(_with_zone(content["begun"]), dict(content["next"]), int(content["sent"]))
            origin = content["table"], content["endpoint"]
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise PlaceError(
                f"{self._path} is not the place of a backfill: give another --place, or remove it"
            ) from error
        if origin != (self._table, self._endpoint):
            raise PlaceError(
                f"{self._path} is the place of a backfill of the table {origin[0]} at {origin[1]}: "
                "finish that, or give another --place"
            )
        return place

    def resumed(self, now: datetime) -> Place:
        """Return the place to go on from. Raises PlaceError if there is none, or an old one."""
        place = self.read()
        if place is None:
            raise PlaceError(f"there is no place {self._path} to go on from: leave out --resume")
        if now - place.begun > MOST_AGE:
            raise PlaceError(
                f"{self._path} is of {place.begun:%Y-%m-%d %H:%M} UTC. What that run has sent may "
                "have changed since then without the stream's knowledge: leave out --resume"
            )
        return place

    def write(self, place: Place) -> None:
        """Remember, in one step, so that an interruption leaves the place before or this one."""
        scratch = self._path.with_name(self._path.name + ".new")
        content = {
            "table": self._table,
            "endpoint": self._endpoint,
            "begun": place.begun.isoformat(),
            "next": place.next,
            "sent": place.sent,
        }
        scratch.write_text(json.dumps(content) + "\n")
        scratch.replace(self._path)

    def remove(self) -> None:
        """Forget the place."""
        self._path.unlink(missing_ok=True)


def _with_zone(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone is none")
    return moment
