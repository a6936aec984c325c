"""Replays the parts of the stream that Lambda gave up, and repairs those that are gone."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from enum import Enum, auto
from typing import Any

from receipt_ops.connection import Connection
from receipt_ops.dead_letters.content import FailureRecord, content_of
from receipt_ops.dead_letters.queue import DeadLetter, Held, held
from receipt_ops.dead_letters.queues import RedriveSource, Which
from receipt_ops.dead_letters.redriving import MOST
from receipt_ops.dead_letters.replaying import (
    Replayed,
    StreamGoneError,
    StreamUnreadError,
    replay,
)
from receipt_ops.dead_letters.wiring import redrive_sources, stream_of
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.repair.plan import Summary
from receipt_ops.repair.tasks import repair_whole_table
from receipt_ops.repair.wiring import changes_of
from receipt_ops.terminal.console import notes

_MALFORMED = (
    "{count} of its records are malformed and can't be sent: repair the items that they name, then "
    "drop it with `receipt-sync dlq drop`"
)
_NO_PART = "it does not name a part of the stream: see `receipt-sync dlq explain`"


class _Sent(Enum):
    """Names the results for the part of a dead letter: sent whole, not sent, or gone."""

    WHOLE, NOT, GONE = auto(), auto(), auto()


@dataclass
class ReplayResult:
    """The results for all failure records."""

    replayed: list[Replayed] = field(default_factory=list)
    gone: int = 0
    repaired: Summary | None = None
    unknown: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """The dead letters that stay, with the reason."""
    unseen: int = 0
    """The approximate number of unread dead letters, because another command holds them."""

    @property
    def malformed(self) -> list[str]:
        return [event for one in self.replayed for event in one.malformed]

    @property
    def is_left(self) -> bool:
        """Return whether some parts or records are not repaired."""
        left = self.malformed or self.unknown or self.kept or self.unseen
        return bool(left or (self.repaired and self.repaired.is_left))

    def to_json(self) -> dict[str, Any]:
        return {
            "replayed": [asdict(one) for one in self.replayed],
            "gone": self.gone,
            "repair": self.repaired.content if self.repaired else None,
            "unknown": self.unknown,
            "kept": self.kept,
            "unseen": self.unseen,
        }


def replay_record(connection: Connection, record: FailureRecord, *, dry_run: bool) -> ReplayResult:
    """Replay the part of the stream that a failure record names.

    If the stream no longer holds it, compare the whole table and repair the differences.
    """
    done = ReplayResult()
    if _replay(connection, record, done, dry_run=dry_run) is None:
        done.repaired = repair_whole_table(connection, dry_run=dry_run)
    return done


def replay_dead_letters(connection: Connection, ids: list[str], *, dry_run: bool) -> ReplayResult:
    """Replay the parts that all dead letters of the stream's queue name, or only those of `ids`.

    A dead letter is deleted when its whole part is sent.
    """
    done = ReplayResult()
    (source,) = redrive_sources(connection, Deployment(connection), Which.STREAM)
    with notes().status("replaying"), held(source.dead_letters, MOST) as found:
        done.unknown = sorted(
            set(ids) - {dead_letter.message_id for dead_letter in found.dead_letters}
        )
        done.unseen = found.unseen
        parts, gone = list(_parts(found.dead_letters, ids, done)), list[DeadLetter]()
        with nullcontext() if dry_run else _part_count_at_failure(done, len(parts)):
            for dead_letter, record in parts:
                sent = _replay_dead_letter(connection, dead_letter, record, done, dry_run=dry_run)
                if sent is _Sent.GONE:
                    gone.append(dead_letter)
                elif sent is _Sent.WHOLE and not dry_run:
                    _finish(source, found, dead_letter)  # A later failure must not send it again.
            if gone:
                done.repaired = repair_whole_table(connection, dry_run=dry_run)
            for dead_letter in () if dry_run else gone:
                _finish(source, found, dead_letter)
    return done


def _replay_dead_letter(
    connection: Connection,
    dead_letter: DeadLetter,
    record: FailureRecord,
    done: ReplayResult,
    *,
    dry_run: bool,
) -> _Sent:
    try:
        part = _replay(connection, record, done, dry_run=dry_run)
    except StreamUnreadError as error:  # This concerns one dead letter. Replay the others.
        done.kept[dead_letter.message_id] = str(error)
        return _Sent.NOT
    if part is None:
        return _Sent.GONE
    if part.malformed:
        done.kept[dead_letter.message_id] = _MALFORMED.format(count=len(part.malformed))
        return _Sent.NOT
    return _Sent.WHOLE


def _finish(source: RedriveSource, found: Held, dead_letter: DeadLetter) -> None:
    source.dead_letters.delete([dead_letter])
    found.dead_letters.remove(dead_letter)


@contextmanager
def _part_count_at_failure(done: ReplayResult, parts: int) -> Iterator[None]:
    """Print how many parts were sent if a failure or a signal ends the block."""
    try:
        yield
    except BaseException:
        notes().print(
            f"{len(done.replayed)} of {parts} parts were sent before the end. The dead letters of "
            "the others stay: run the same command again to continue"
        )
        raise


def _parts(
    dead_letters: Sequence[DeadLetter], ids: Sequence[str], done: ReplayResult
) -> Iterator[tuple[DeadLetter, FailureRecord]]:
    """Yield the selected dead letters that name a part of the stream. Note those that do not."""
    for dead_letter in dead_letters:
        record = content_of(dead_letter.body)
        if isinstance(record, FailureRecord):
            if not ids or dead_letter.message_id in ids:
                yield dead_letter, record
        elif not ids or dead_letter.message_id in ids:
            done.kept[dead_letter.message_id] = _NO_PART


def _replay(
    connection: Connection, record: FailureRecord, done: ReplayResult, *, dry_run: bool
) -> Replayed | None:
    """Return the result of a replay; None if the stream no longer holds the whole part."""
    try:
        part = replay(record, stream_of(connection), changes_of(connection), dry_run=dry_run)
    except StreamGoneError:
        done.gone += 1
        return None
    done.replayed.append(part)
    return part
