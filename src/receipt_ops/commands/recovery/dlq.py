"""The commands `receipt-sync dlq show | explain | mend | redrive | drop`."""

from collections.abc import Iterable
from typing import Annotated

import typer

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.connection import Connection
from receipt_ops.dead_letters.content import content_of
from receipt_ops.dead_letters.delta_state import BucketDeltas
from receipt_ops.dead_letters.explanation import DeltaState, Explanation, comes_back, explain
from receipt_ops.dead_letters.queue import Letter, held
from receipt_ops.dead_letters.queues import Box, Which, boxes_of
from receipt_ops.dead_letters.redriving import MOST, Redriven, drop, redrive
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.environment import connection_of_process
from receipt_ops.readers import snapshot_readers
from receipt_ops.screens.dead_letters import (
    print_explanations,
    print_letters,
    print_redriven,
    print_unknown,
    print_unseen,
    row_of,
)
from receipt_ops.terminal.confirmation import Yes, confirm
from receipt_ops.terminal.console import (
    ends_in_a_sentence,
    notes,
    output,
    print_json,
    progress_bars,
)
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_sync.messages import ReadMessage

dlq = typer.Typer(no_args_is_help=True, help="Show, explain, redrive and delete dead letters.")
Queue = Annotated[
    Which | None, typer.Option("--queue", help="Only this dead-letter queue. Default: both.")
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MESSAGE_ID]...", help="Only these letters. Default: all."),
]


@dlq.command("show")
@ends_in_a_sentence
def show_command(queue: Queue = None, as_json: AsJson = False) -> None:
    """List the dead letters of both queues with their time, number of receives, and reason.

    SQS moved a letter without a reason, because it was received too often. A function set the other
    letters aside itself. Each look counts as a receive and changes nothing else. The command counts
    the letters that another command holds.

    Exit code 0: there are no letters. 1: there are some.

    Example: receipt-sync dlq show

    Example: receipt-sync dlq show --queue stream --json
    """
    connection = connection_of_process()
    rows: list[tuple[Which, Letter]] = []
    unseen = 0
    with explained(connection), notes().status("looking"):
        for box in boxes_of(connection, Deployment(connection), queue):
            with held(box.letters, MOST) as found:
                rows += [(box.which, letter) for letter in found.letters]
                unseen += found.unseen
    if as_json:
        letters = [row_of(which, letter) for which, letter in rows]
        print_json({"letters": letters, "unseen": unseen})
    else:
        print_letters(rows, unseen)
    if rows or unseen:
        raise typer.Exit(ExitCode.VERDICT)


@dlq.command("explain")
@ends_in_a_sentence
def explain_command(ids: Ids = None, queue: Queue = None, as_json: AsJson = False) -> None:
    """Explain each letter: its cause, the result of a redrive now, and what to do.

    Exit code 0: there are no letters. 1: there are some, or a named letter was not found.

    Example: receipt-sync dlq explain

    Example: receipt-sync dlq explain 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55 --json
    """
    connection = connection_of_process()
    with explained(connection), notes().status("looking"):
        found, unseen = _explanations(connection, ids or [], queue)
    unknown = _missing(ids, {explanation.message_id for explanation in found})
    if as_json:
        letters = [explanation.to_json() for explanation in found]
        print_json({"letters": letters, "unknown": unknown, "unseen": unseen})
    else:
        print_explanations(found, unknown, unseen)
    if found or unknown or unseen:
        raise typer.Exit(ExitCode.VERDICT)


@dlq.command("mend")
@ends_in_a_sentence
def mend_command(ids: Ids = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Restore deleted delta objects from the bucket's versions.

    `dlq explain` names the letters that need this. The letters stay in the queue: redrive them
    afterwards.

    Exit code 0: all letters were read. 1: some were not found, or another command holds them.

    Example: receipt-sync dlq mend --dry-run
    """
    connection = connection_of_process()
    with explained(connection), snapshot_readers(connection) as readers:
        deltas = BucketDeltas(connection.s3, connection.names.bucket, readers)
        restored, unknown, unseen = _mend(connection, deltas, ids or [], dry_run=dry_run)
    if as_json:
        content = {"restored": restored, "unknown": unknown, "unseen": unseen}
        print_json({**content, "dry_run": dry_run})
    else:
        verb = "would be restored" if dry_run else "restored"
        output().print(f"{len(restored)} delta objects {verb}")
        print_unknown(unknown)
        print_unseen(unseen)
    if unknown or unseen:
        raise typer.Exit(ExitCode.VERDICT)


@dlq.command("redrive")
@ends_in_a_sentence
def redrive_command(
    ids: Ids = None,
    queue: Queue = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also letters that would come back, as `explain` says.")
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send all letters, or the named ones, to the compaction queue again.

    The command sends each letter first and then deletes it, so that none is lost. It sends a letter
    without its old reason, and a parked stream record as a change of its entity. A letter stays if
    it cannot be sent, or if it would come back by `dlq explain`. The output gives the reason.

    Exit code 0: all are moved. 1: some stay, were not found, or are held by another command.

    Example: receipt-sync dlq redrive --dry-run

    Example: receipt-sync dlq redrive 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55
    """
    connection = connection_of_process()
    if not dry_run:
        which = f"{len(ids)} letters" if ids else "all letters"
        confirm(f"this sends {which} of {_named(queue)} to the compaction queue again", yes=yes)
    with explained(connection), snapshot_readers(connection) as readers:
        deltas = BucketDeltas(connection.s3, connection.names.bucket, readers)
        boxes = boxes_of(connection, Deployment(connection), queue)
        done = [_redrive(box, ids or [], deltas, force=force, dry_run=dry_run) for box in boxes]
    _end(_together(done), "moved", dry_run=dry_run, as_json=as_json)


@dlq.command("drop")
@ends_in_a_sentence
def drop_command(
    ids: Annotated[
        list[str], typer.Argument(metavar="MESSAGE_ID...", help="The letters to delete.")
    ],
    queue: Queue = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete letters permanently, after their cause and their effects are repaired otherwise.

    Exit code 0: all are deleted. 1: some were not found.

    Example: receipt-sync dlq drop 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55 --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this permanently deletes {len(ids)} letters of {_named(queue)}", yes=yes)
    with explained(connection):
        boxes = boxes_of(connection, Deployment(connection), queue)
        done = [drop(box.letters, ids, dry_run=dry_run) for box in boxes]
    together = _together(done)
    if not together.unknown:  # All named letters were found, so the unread ones do not matter.
        together.unseen = 0
    _end(together, "deleted", dry_run=dry_run, as_json=as_json)


def _named(queue: Which | None) -> str:
    return f"the {queue} dead-letter queue" if queue else "both dead-letter queues"


def _redrive(
    box: Box, ids: list[str], deltas: DeltaState, *, force: bool, dry_run: bool
) -> Redriven:
    def refuse(letter: Letter) -> str | None:
        return box.refuse(letter) or (None if force else comes_back(explain(letter, deltas)))

    with progress_bars() as progress:
        bar = progress.add_task(f"{box.which} letters", total=None)
        return redrive(
            box.letters,
            box.send,
            only=ids,
            refuse=refuse,
            dry_run=dry_run,
            advance=lambda count: progress.advance(bar, count),
        )


def _explanations(
    connection: Connection, ids: list[str], queue: Which | None
) -> tuple[list[Explanation], int]:
    found: list[Explanation] = []
    unseen = 0
    with snapshot_readers(connection) as readers:
        deltas = BucketDeltas(connection.s3, connection.names.bucket, readers)
        for box in boxes_of(connection, Deployment(connection), queue):
            with held(box.letters, MOST) as looked:
                found += [explain(letter, deltas) for letter in _wanted(looked.letters, ids)]
                unseen += looked.unseen
    return found, unseen


def _mend(
    connection: Connection, deltas: BucketDeltas, ids: list[str], *, dry_run: bool
) -> tuple[list[str], list[str], int]:
    restored: list[str] = []
    (box,) = boxes_of(connection, Deployment(connection), Which.COMPACTION)
    with held(box.letters, MOST) as found:
        for letter in _wanted(found.letters, ids):
            content = content_of(letter.body)
            delta = content.delta if isinstance(content, ReadMessage) else None
            if delta and (deltas.can_be_restored(delta) if dry_run else deltas.restore(delta)):
                restored.append(delta.delta_key)
        unknown = _missing(ids, {letter.message_id for letter in found.letters})
        return restored, unknown, found.unseen


def _missing(ids: Iterable[str] | None, found: set[str]) -> list[str]:
    """Return the named ids that were not found."""
    return sorted(set(ids or ()) - found)


def _wanted(letters: Iterable[Letter], ids: list[str]) -> list[Letter]:
    return [letter for letter in letters if not ids or letter.message_id in ids]


def _together(parts: list[Redriven]) -> Redriven:
    """Return the common result of several queues. An id is unknown if no queue holds it."""
    done = Redriven()
    for part in parts:
        done.moved += part.moved
        done.unseen += part.unseen
        done.kept |= part.kept
    done.unknown = sorted(set.intersection(*(set(part.unknown) for part in parts)))
    return done


def _end(done: Redriven, verb: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({**done.to_json(), "dry_run": dry_run})
    else:
        print_redriven(done, f"would be {verb}" if dry_run else verb)
    if done.kept or done.unknown or done.unseen:
        raise typer.Exit(ExitCode.VERDICT)
