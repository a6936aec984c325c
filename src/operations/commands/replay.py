"""The command `receipt-sync replay`."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from enum import Enum, auto
from pathlib import Path
from random import SystemRandom
from typing import Annotated, Any

import typer
from rich.markup import escape

from operations.commands.dlq_screen import print_unseen
from operations.commands.options import AsJson, DryRun
from operations.commands.repair import plan_with_progress, send_with_progress
from operations.commands.verify import verify_with_progress
from operations.connection import Connection
from operations.console import ends_in_a_sentence, notes, output, print_json
from operations.dead_letters.boxes import Box, Which, boxes_of
from operations.dead_letters.content import FailureRecord, content_of
from operations.dead_letters.letter import Held, Letter, held
from operations.dead_letters.redriving import MOST
from operations.dead_letters.replaying import (
    DynamoDBStream,
    Replayed,
    StreamGoneError,
    StreamUnreadError,
    replay,
)
from operations.deployment.discovery import Deployment
from operations.environment import connection_of_process
from operations.exit_codes import ExitCode
from operations.failures import explained
from operations.readers import snapshot_readers
from operations.repair.plan import Summary
from operations.repair.wiring import DEFAULT_LIMIT, changes_of, newest_of, repair_of
from receipt_sync.clock import SystemClock

_MALFORMED = (
    "{count} of its records are malformed and can't be sent: repair the items that they name, then "
    "drop it with `receipt-sync dlq drop`"
)
_NO_PART = "it does not name a part of the stream: see `receipt-sync dlq explain`"


class _Sent(Enum):
    """Names the results for the part of a letter: sent whole, not sent, or gone."""

    WHOLE, NOT, GONE = auto(), auto(), auto()


@dataclass
class _Done:
    """The results for all failure records."""

    replayed: list[Replayed] = field(default_factory=list)
    gone: int = 0
    repaired: Summary | None = None
    unknown: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """The letters that stay, with the reason."""
    unseen: int = 0
    """The approximate number of unread letters, because another command holds them."""

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


@ends_in_a_sentence
def replay_command(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MESSAGE_ID]...",
            help="Letters of the stream's dead-letter queue. Default: all.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="JSON file of a failure record, instead of a letter.", exists=True),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Replay the parts of the stream that Lambda gave up, from their failure records.

    While the stream holds the records (24 hours), the command sends their changes to the compaction
    queue. After that, their entities are unknown, so the command compares the whole table and
    repairs the differences. It deletes a letter when its whole part is sent. A letter with a
    malformed record stays. The command retries a throttled call for a minute. After a failure or
    Ctrl-C, the same command continues with the remaining letters.

    Exit code 0: all is sent. 1: something is left: a malformed record, or a letter that names no
    part of the stream, was not found, or is held by another command.

    Example: receipt-sync replay --dry-run

    Example: receipt-sync replay --file failure-record.json
    """
    if ids and file is not None:
        raise typer.BadParameter("a MESSAGE_ID and --file name two records: give only one of them")
    connection = connection_of_process()
    with explained(connection):
        if file is not None:
            done = _replay_record(connection, _record_of(file), dry_run=dry_run)
        else:
            done = _replay_letters(connection, ids or [], dry_run=dry_run)
    _show(done, dry_run=dry_run, as_json=as_json)
    if done.is_left:
        raise typer.Exit(ExitCode.VERDICT)


def _replay_record(connection: Connection, record: FailureRecord, *, dry_run: bool) -> _Done:
    done = _Done()
    if _replay(connection, record, done, dry_run=dry_run) is None:
        done.repaired = _repair(connection, dry_run=dry_run)
    return done


def _replay_letters(connection: Connection, ids: list[str], *, dry_run: bool) -> _Done:
    done = _Done()
    (box,) = boxes_of(connection, Deployment(connection), Which.STREAM)
    with notes().status("replaying"), held(box.letters, MOST) as found:
        done.unknown = sorted(set(ids) - {letter.message_id for letter in found.letters})
        done.unseen = found.unseen
        parts, gone = list(_parts(found.letters, ids, done)), list[Letter]()
        with nullcontext() if dry_run else _counted(done, len(parts)):
            for letter, record in parts:
                sent = _replay_letter(connection, letter, record, done, dry_run=dry_run)
                if sent is _Sent.GONE:
                    gone.append(letter)
                elif sent is _Sent.WHOLE and not dry_run:
                    _finish(box, found, letter)  # A later failure must not send it again.
            if gone:
                done.repaired = _repair(connection, dry_run=dry_run)
            for letter in () if dry_run else gone:
                _finish(box, found, letter)
    return done


def _replay_letter(
    connection: Connection, letter: Letter, record: FailureRecord, done: _Done, *, dry_run: bool
) -> _Sent:
    try:
        part = _replay(connection, record, done, dry_run=dry_run)
    except StreamUnreadError as error:  # This concerns one letter. Replay the others.
        done.kept[letter.message_id] = str(error)
        return _Sent.NOT
    if part is None:
        return _Sent.GONE
    if part.malformed:
        done.kept[letter.message_id] = _MALFORMED.format(count=len(part.malformed))
        return _Sent.NOT
    return _Sent.WHOLE


def _finish(box: Box, found: Held, letter: Letter) -> None:
    box.letters.delete([letter])
    found.letters.remove(letter)


@contextmanager
def _counted(done: _Done, parts: int) -> Iterator[None]:
    """Print how many parts were sent if a failure or a signal ends the block."""
    try:
        yield
    except BaseException:
        notes().print(
            f"{len(done.replayed)} of {parts} parts were sent before the end. The letters of the "
            "others stay: run the same command again to continue"
        )
        raise


def _parts(
    letters: Sequence[Letter], ids: Sequence[str], done: _Done
) -> Iterator[tuple[Letter, FailureRecord]]:
    """Yield the selected letters that name a part of the stream. Note those that do not."""
    for letter in letters:
        record = content_of(letter.body)
        if isinstance(record, FailureRecord):
            if not ids or letter.message_id in ids:
                yield letter, record
        elif not ids or letter.message_id in ids:
            done.kept[letter.message_id] = _NO_PART


def _replay(
    connection: Connection, record: FailureRecord, done: _Done, *, dry_run: bool
) -> Replayed | None:
    """Return the result of a replay; None if the stream no longer holds the whole part."""
    stream = DynamoDBStream(connection.streams, SystemClock(), SystemRandom())
    changes = changes_of(connection)
    try:
        part = replay(record, stream, changes, dry_run=dry_run)
    except StreamGoneError:
        done.gone += 1
        return None
    done.replayed.append(part)
    return part


def _repair(connection: Connection, *, dry_run: bool) -> Summary:
    with (
        snapshot_readers(connection) as readers,
        newest_of(connection, readers) as newest,
        repair_of(connection, readers, newest, DEFAULT_LIMIT) as repair,
    ):
        verify_with_progress(connection, readers, 0, None, repair.note, newest=newest)
        plan = plan_with_progress(repair)
        if not dry_run:
            send_with_progress(repair, plan)
        return plan.summary()


def _record_of(file: Path) -> FailureRecord:
    record = content_of(file.read_text())
    if not isinstance(record, FailureRecord):
        raise typer.BadParameter(
            f"{file} is not a failure record: give a JSON object with DDBStreamBatchInfo"
        )
    return record


def _show(done: _Done, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({**done.to_json(), "dry_run": dry_run})
        return
    console = output()
    verb = "would be sent" if dry_run else "sent"
    changes = sum(one.changes for one in done.replayed)
    records = sum(one.records for one in done.replayed)
    parts = len(done.replayed)
    console.print(f"{parts} parts of {records:,} stream records: {changes:,} changes {verb}")
    if done.repaired is not None:
        steps = done.repaired.steps
        console.print(
            f"{done.gone} parts are no longer in the stream. Compared the table: {steps:,} "
            f"repairs {verb}"
        )
        if done.repaired.is_left:
            console.print(
                "[red]this command can't repair some records[/red]: list them with "
                "`receipt-sync repair --dry-run`",
                soft_wrap=True,
            )
    for event in done.malformed:
        console.print(f"[red]malformed[/red] stream record {event}")
    for message_id, reason in done.kept.items():
        console.print(f"[yellow]stays[/yellow] {message_id}: {escape(reason)}", soft_wrap=True)
    print_unseen(done.unseen)
    for message_id in done.unknown:
        console.print(f"[red]not found[/red] {message_id}")
