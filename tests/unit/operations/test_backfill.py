"""A backfill goes on where it stopped, and no faster than the compactor follows."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from operations.errors import OperationError
from operations.repair.backfill import Backfill, Pace, PlaceError, PlaceFile
from operations.settling import Backlog
from operations.table_pages import Page, Position
from receipt_sync.keys import EntityKey
from stream_processor.detection import EntityChange
from tests.fakes.clock import ManualClock
from tests.fakes.world import line, metadata, word

KEYS = [metadata(), *(line(n) for n in range(1, 7)), *(word(n) for n in range(1, 4))]


def pages(start: Position | None) -> Iterator[Page]:
    """Four keys a page; a position is the number of the next key."""
    for at in range(int(start["at"]) if start else 0, len(KEYS), 4):
        last = at + 4 >= len(KEYS)
        entities: dict[EntityKey, Any] = {key: {} for key in KEYS[at : at + 4]}
        yield Page(entities, None if last else {"at": at + 4})


class Changes:
    """Takes changes; `fails_at` is the number of the call that fails."""

    def __init__(self, fails_at: int | None = None) -> None:
        self.sent: list[EntityKey] = []
        self.calls, self.fails_at = 0, fails_at

    def send(self, changes: Sequence[EntityChange]) -> int:
        self.calls += 1
        if self.calls == self.fails_at:
            raise OperationError("the queue is down")
        self.sent += [change.key for change in changes]
        assert {change.event_name for change in changes} <= {"INSERT"}
        return 1


class Setup:
    def __init__(self, folder: Path, changes: Changes, *waiting: int, rate: float = 1e9) -> None:
        self.clock, self.changes = ManualClock(), changes
        self.path = folder / "place"
        self.waiting = [*waiting, 0]
        self.told: list[int] = []
        self.backfill = Backfill(
            pages,
            changes,
            self._backlog,
            PlaceFile(self.path, "table"),
            self.clock,
            Pace(rate, most_waiting=5),
        )

    def _backlog(self) -> Backlog:
        return Backlog(self.waiting.pop(0) if len(self.waiting) > 1 else self.waiting[0], 0)

    def run(self) -> int:
        return self.backfill.run(self.told.append)


def test_every_line_and_word_is_sent_once_and_nothing_else(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes())
    assert setup.run() == sum(setup.told) == 9
    assert setup.changes.sent == KEYS[1:]
    assert not setup.path.exists()


def test_an_interrupted_run_goes_on_with_the_page_that_failed(tmp_path: Path) -> None:
    broken = Setup(tmp_path, Changes(fails_at=2))
    with pytest.raises(OperationError):
        broken.run()
    assert json.loads(broken.path.read_text()) == {"table": "table", "next": {"at": 4}, "sent": 3}
    again = Setup(tmp_path, Changes())
    assert again.run() == 9
    assert broken.changes.sent + again.changes.sent == KEYS[1:]
    assert again.told[0] == 3, "the bar begins where it stopped"


def test_it_waits_while_too_much_waits(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes(), 9, 7, 6, 5)
    setup.run()
    assert setup.clock.elapsed == pytest.approx(3)


def test_it_keeps_to_its_rate(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes(), rate=2)
    setup.run()
    assert setup.clock.elapsed == pytest.approx(9 / 2)


@pytest.mark.parametrize("content", ["", "{}", '{"table": "other", "next": {}, "sent": 1}'])
def test_a_place_that_is_none_or_of_another_table_is_refused(tmp_path: Path, content: str) -> None:
    setup = Setup(tmp_path, Changes())
    setup.path.write_text(content)
    with pytest.raises(PlaceError, match=r"place"):
        setup.run()
    assert setup.changes.sent == []
