"""A backfill goes on where it stopped, and no faster than the compactor follows."""

import errno
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from receipt_ops.errors import OperationError
from receipt_ops.repair.backfill import Backfill, Pace, QueueStoppedError, Sent
from receipt_ops.repair.place import PlaceError, PlaceFile, TableIdentity
from receipt_ops.table_pages import Page, Position
from receipt_ops.terminal.unexpected import sentence_of
from receipt_ops.verification.settling import Backlog
from receipt_sync.keys import EntityKey
from stream_processor.detection import EntityChange
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line, metadata, word

KEYS = [metadata(), *(line(n) for n in range(1, 7)), *(word(n) for n in range(1, 4))]


def pages(start: Position | None) -> Iterator[Page]:
    """Four keys a page; the sort key of a position is the number of the next key."""
    for at in range(int(start["SK"]["S"]) if start else 0, len(KEYS), 4):
        last = at + 4 >= len(KEYS)
        entities: dict[EntityKey, Any] = {key: {} for key in KEYS[at : at + 4]}
        yield Page(entities, None if last else position(at + 4))


def position(at: int) -> dict[str, dict[str, str]]:
    return {"PK": {"S": "IMAGE#i"}, "SK": {"S": str(at)}}


HERE = TableIdentity("table", "https://here", "id-1")


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


class Queue:
    """Has room or not; `on` says at each look whether the mapping is on."""

    def __init__(self, *waiting: int, on: Sequence[bool] = (True,)) -> None:
        self.waiting, self.on = [*waiting, 0], list(on)

    def backlog(self) -> Backlog:
        return Backlog(self.waiting.pop(0) if len(self.waiting) > 1 else self.waiting[0], 0)

    def is_on(self) -> bool:
        return self.on.pop(0) if len(self.on) > 1 else self.on[0]


class Setup:
    def __init__(
        self, folder: Path, changes: Changes, *waiting: int, rate: float = 1e9, **queue: Any
    ) -> None:
        self.clock, self.changes = ManualClock(), changes
        self.path = folder / "place"
        self.queue = Queue(*waiting, **queue)
        self.seen: list[int] = []
        self.waits: list[str] = []
        self.backfill = Backfill(
            pages,
            changes,
            self.queue,
            PlaceFile(self.path, HERE),
            self.clock,
            Pace(rate, most_waiting=5),
        )

    def run(self, *, resume: bool = False) -> Sent:
        left = self.backfill.left(resume=resume)
        return self.backfill.run(left, self.seen.append, lambda one: self.waits.append(str(one)))


def interrupted(folder: Path) -> Setup:
    broken = Setup(folder, Changes(fails_at=2))
    with pytest.raises(OperationError):
        broken.run()
    return broken


def test_every_line_and_word_is_sent_once_and_nothing_else(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes())
    assert setup.run() == (9, 0)
    assert sum(setup.seen) == 9
    assert setup.changes.sent == KEYS[1:]
    assert not setup.path.exists()


def test_an_interrupted_run_is_resumed_with_the_page_that_failed(tmp_path: Path) -> None:
    broken = interrupted(tmp_path)
    begun = broken.clock.now().isoformat()
    assert json.loads(broken.path.read_text()) == {
        "table": "table", "table_id": "id-1", "endpoint": "https://here",
        "begun": begun.replace("+00:00", "Z"), "next": position(4), "sent": 3,
    }  # fmt: skip
    again = Setup(tmp_path, Changes())
    assert again.run(resume=True) == (6, 3), "what this run has sent, and what was sent before"
    assert broken.changes.sent + again.changes.sent == KEYS[1:]
    assert again.seen[0] == 3, "the bar begins where it stopped"


def test_a_leftover_place_does_not_make_a_later_run_skip_the_front_of_the_table(
    tmp_path: Path,
) -> None:
    interrupted(tmp_path)
    later = Setup(tmp_path, Changes())
    assert later.run() == (9, 0)
    assert later.changes.sent == KEYS[1:]


def test_a_run_that_is_interrupted_before_its_first_page_leaves_no_older_place(
    tmp_path: Path,
) -> None:
    """A later --resume took the place of the older run and skipped the front of the table."""
    interrupted(tmp_path)
    early = Setup(tmp_path, Changes(fails_at=1))
    with pytest.raises(OperationError):
        early.run()
    assert not early.path.exists()
    with pytest.raises(PlaceError, match="no run to resume"):
        Setup(tmp_path, Changes()).run(resume=True)


def test_to_resume_needs_a_place_and_one_that_is_not_older_than_the_stream(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes())
    with pytest.raises(PlaceError, match=r"no place file .* no run to resume"):
        setup.run(resume=True)
    interrupted(tmp_path)
    late = Setup(tmp_path, Changes())
    late.clock.sleep(24 * 3600 + 1)
    with pytest.raises(PlaceError, match="leave out --resume"):
        late.run(resume=True)
    assert late.changes.sent == []


@pytest.mark.parametrize(("ahead", "refused"), [(301, True), (299, False)])
def test_a_place_of_a_run_that_began_in_the_future_is_refused(
    tmp_path: Path, ahead: int, refused: bool
) -> None:
    """Its age is unknown, so the stream may no longer hold the changes since then."""
    interrupted(tmp_path)
    setup = Setup(tmp_path, Changes())
    begun = setup.clock.now() + timedelta(seconds=ahead)
    content = {**json.loads(setup.path.read_text()), "begun": begun.isoformat()}
    setup.path.write_text(json.dumps(content))
    if refused:
        with pytest.raises(PlaceError, match=r"in the future.*leave out --resume"):
            setup.run(resume=True)
        assert setup.changes.sent == []
    else:
        assert setup.run(resume=True) == (6, 3)


def test_it_waits_while_too_much_waits_and_says_so(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes(), 9, 7, 6, 5)
    setup.run()
    assert setup.clock.elapsed == pytest.approx(3)
    assert setup.waits[0] == "9 messages wait, 0 are in flight"


def test_it_ends_while_the_mapping_is_off_in_place_of_waiting_for_ever(tmp_path: Path) -> None:
    off = Setup(tmp_path, Changes(), on=[False])
    with pytest.raises(QueueStoppedError, match="flags set --queue"):
        off.run()
    assert off.changes.sent == []
    meanwhile = Setup(tmp_path, Changes(), *[9] * 50, on=[True, True, False])
    with pytest.raises(QueueStoppedError):
        meanwhile.run()
    assert meanwhile.clock.elapsed < 30


def test_a_mapping_that_was_switched_off_before_the_end_is_an_error(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes(), on=[True, False])
    with pytest.raises(QueueStoppedError, match=r"every record was sent.*flags set --queue"):
        setup.run()
    assert len(setup.changes.sent) == 9
    assert not setup.path.exists()


def test_it_keeps_to_its_rate(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes(), rate=2)
    setup.run()
    assert setup.clock.elapsed == pytest.approx(9 / 2)


PLACE = {
    "table": "table", "table_id": "id-1", "endpoint": "https://here", "next": position(4), "sent": 1
}  # fmt: skip
BEGUN = {"begun": "2026-01-01T00:00:00+00:00"}
NESTED = "[" * 30_000 + "]" * 30_000
FAR = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        json.dumps(PLACE),
        json.dumps({**PLACE, **BEGUN, "table": "other"}),
        json.dumps({**PLACE, **BEGUN, "endpoint": "https://there"}),
        json.dumps({**PLACE, "begun": "2026-01-01T00:00:00"}),
        json.dumps({**PLACE, **BEGUN, "next": None}),
        json.dumps({**PLACE, **BEGUN, "next": "PK"}),
        json.dumps({**PLACE, **BEGUN}).replace('"sent": 1', '"sent": 1e999'),
        json.dumps({**PLACE, **BEGUN, "table_id": "id-2"}),
        json.dumps({**PLACE, **BEGUN, "sent": -1}),
        json.dumps({**PLACE, **BEGUN, "sent": True}),
        json.dumps({**PLACE, **BEGUN, "next": {}}),
        json.dumps({**PLACE, **BEGUN, "next": {"PK": {"S": "a"}}}),
        json.dumps({**PLACE, **BEGUN, "next": {"PK": {"S": "a"}, "SK": {"N": "1"}}}),
        json.dumps({**PLACE, **BEGUN, "next": {**position(4), "more": {"S": "b"}}}),
        json.dumps({**PLACE, **BEGUN, "more": 1}),
        *(json.dumps({**PLACE, "begun": begun}) for begun in FAR),
        NESTED,
    ],
)
def test_a_file_that_is_no_place_of_this_table_is_refused_and_kept(
    tmp_path: Path, content: str, resume: bool
) -> None:
    setup = Setup(tmp_path, Changes())
    setup.path.write_text(content)
    with pytest.raises(PlaceError, match=r"place"):
        setup.run(resume=resume)
    assert setup.changes.sent == []
    assert setup.path.read_text() == content


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    ("error", "words"),
    [
        (errno.EACCES, "can't be used (Permission denied): change its permissions, or name"),
        (errno.EROFS, "can't be used (Read-only file system)"),
        (errno.ENOSPC, "is full: free some space, or name another path"),
    ],
)
def test_a_place_that_can_not_be_written_is_found_before_the_first_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int, words: str, resume: bool
) -> None:
    """The first page was sent, and only then the command failed."""
    if resume:
        interrupted(tmp_path)
    setup = Setup(tmp_path, Changes())

    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(OSError, match="place") as raised:
        setup.backfill.left(resume=resume)
    assert f"{setup.path}" in sentence_of(raised.value)
    assert words in sentence_of(raised.value)


def test_a_place_in_a_folder_that_does_not_exist_is_found_before_the_first_page(
    tmp_path: Path,
) -> None:
    setup = Setup(tmp_path / "nowhere", Changes())
    with pytest.raises(FileNotFoundError, match="nowhere/place"):
        setup.run()
    assert setup.changes.sent == []


def test_the_check_of_the_place_leaves_nothing_behind(tmp_path: Path) -> None:
    """A dry run makes this check too."""
    setup = Setup(tmp_path, Changes())
    assert setup.backfill.left(resume=False) is None
    assert list(tmp_path.iterdir()) == []
    place = interrupted(tmp_path).path
    before = place.read_text()
    setup.backfill.left(resume=True)
    assert list(tmp_path.iterdir()) == [place]
    assert place.read_text() == before


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_beside_the_place_is_left_alone(tmp_path: Path, resume: bool) -> None:
    """The check wrote to PLACE.new and deleted it, whoever had made it."""
    if resume:
        interrupted(tmp_path)
    setup = Setup(tmp_path, Changes())
    target = tmp_path / "target"
    target.write_text("MINE")
    setup.path.with_name("place.new").symlink_to(target)
    setup.backfill.left(resume=resume)
    setup.run(resume=resume)
    assert target.read_text() == "MINE"
    assert setup.path.with_name("place.new").is_symlink()


def test_the_place_of_a_table_that_was_created_again_is_refused(tmp_path: Path) -> None:
    """A thousand items of the new table were never sent."""
    place = interrupted(tmp_path).path
    later = PlaceFile(place, replace(HERE, id="id-2"))
    with pytest.raises(PlaceError, match=r"was deleted and created again: delete the file"):
        later.read()


def test_a_place_without_an_end_is_refused(tmp_path: Path) -> None:
    setup = Setup(tmp_path, Changes())
    setup.path.symlink_to("/dev/zero")
    with pytest.raises(PlaceError, match="is not the place file"):
        setup.backfill.left(resume=False)
