"""The commands `receipt-sync dlq show | explain | restore | redrive | drop`."""

from typing import Annotated

import typer

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.dead_letters.queues import Which
from receipt_ops.dead_letters.redriving import Redriven
from receipt_ops.dead_letters.tasks import (
    drop_all,
    explanations_of,
    list_dead_letters,
    missing_ids,
    redrive_all,
    restore_deltas,
)
from receipt_ops.environment import connection_of_process
from receipt_ops.screens.dead_letters import (
    print_dead_letters,
    print_explanations,
    print_redriven,
    print_unknown,
    print_unseen,
    row_of,
)
from receipt_ops.terminal.confirmation import Yes, confirm
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained

dlq = typer.Typer(no_args_is_help=True, help="Show, explain, redrive and delete dead letters.")
Queue = Annotated[
    Which | None, typer.Option("--queue", help="Only this dead-letter queue. Default: both.")
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MESSAGE_ID]...", help="Only these dead letters. Default: all."),
]


@dlq.command("show")
@ends_in_a_sentence
def show_command(queue: Queue = None, as_json: AsJson = False) -> None:
    """List the dead letters of both queues with their time, number of receives, and reason.

    SQS moved a dead letter without a reason, because it was received too often. A function set the
    other dead letters aside itself. Each look counts as a receive and changes nothing else. The
    command counts the dead letters that another command holds.

    Exit code 0: there are no dead letters. 1: there are some.

    Example: receipt-sync dlq show

    Example: receipt-sync dlq show --queue stream --json
    """
    connection = connection_of_process()
    with explained(connection), notes().status("reading dead letters"):
        rows, unseen = list_dead_letters(connection, queue)
    if as_json:
        dead_letters = [row_of(which, dead_letter) for which, dead_letter in rows]
        print_json({"dead_letters": dead_letters, "unseen": unseen})
    else:
        print_dead_letters(rows, unseen)
    if rows or unseen:
        raise typer.Exit(ExitCode.VERDICT)


@dlq.command("explain")
@ends_in_a_sentence
def explain_command(ids: Ids = None, queue: Queue = None, as_json: AsJson = False) -> None:
    """Explain each dead letter: its cause, the result of a redrive now, and what to do.

    Exit code 0: there are no dead letters. 1: there are some, or a named dead letter was not found.

    Example: receipt-sync dlq explain

    Example: receipt-sync dlq explain 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55 --json
    """
    connection = connection_of_process()
    with explained(connection), notes().status("reading dead letters"):
        found, unseen = explanations_of(connection, ids or [], queue)
    unknown = missing_ids(ids, {explanation.message_id for explanation in found})
    if as_json:
        dead_letters = [explanation.to_json() for explanation in found]
        print_json({"dead_letters": dead_letters, "unknown": unknown, "unseen": unseen})
    else:
        print_explanations(found, unknown, unseen)
    if found or unknown or unseen:
        raise typer.Exit(ExitCode.VERDICT)


@dlq.command("restore")
@ends_in_a_sentence
def restore_command(ids: Ids = None, dry_run: DryRun = False, as_json: AsJson = False) -> None:
    """Restore deleted delta objects from the bucket's versions.

    `dlq explain` names the dead letters that need this. The dead letters stay in the queue: redrive
    them afterwards.

    Exit code 0: all dead letters were read. 1: some were not found, or another command holds them.

    Example: receipt-sync dlq restore --dry-run
    """
    connection = connection_of_process()
    with explained(connection):
        restored, unknown, unseen = restore_deltas(connection, ids or [], dry_run=dry_run)
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
        bool,
        typer.Option("--force", help="Also dead letters that would come back, as `explain` says."),
    ] = False,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send all dead letters, or the named ones, to the compaction queue again.

    The command sends each dead letter first and then deletes it, so that none is lost. It sends a
    dead letter without its old reason, and a parked stream record as a change of its entity. A dead
    letter stays if it cannot be sent, or if it would come back by `dlq explain`. The output gives
    the reason.

    Exit code 0: all are moved. 1: some stay, were not found, or are held by another command.

    Example: receipt-sync dlq redrive --dry-run

    Example: receipt-sync dlq redrive 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55
    """
    connection = connection_of_process()
    if not dry_run:
        which = f"{len(ids)} dead letters" if ids else "all dead letters"
        confirm(f"this sends {which} of {_named(queue)} to the compaction queue again", yes=yes)
    with explained(connection):
        done = redrive_all(connection, ids or [], queue, force=force, dry_run=dry_run)
    _end(done, "moved", dry_run=dry_run, as_json=as_json)


@dlq.command("drop")
@ends_in_a_sentence
def drop_command(
    ids: Annotated[
        list[str], typer.Argument(metavar="MESSAGE_ID...", help="The dead letters to delete.")
    ],
    queue: Queue = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete dead letters permanently, after their cause and their effects are repaired otherwise.

    Exit code 0: all are deleted. 1: some were not found.

    Example: receipt-sync dlq drop 0c9d4b6e-2a4f-4a86-9d0e-6c1f3f1f6b55 --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this permanently deletes {len(ids)} dead letters of {_named(queue)}", yes=yes)
    with explained(connection):
        done = drop_all(connection, ids, queue, dry_run=dry_run)
    _end(done, "deleted", dry_run=dry_run, as_json=as_json)


def _named(queue: Which | None) -> str:
    return f"the {queue} dead-letter queue" if queue else "both dead-letter queues"


def _end(done: Redriven, verb: str, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({**done.to_json(), "dry_run": dry_run})
    else:
        print_redriven(done, f"would be {verb}" if dry_run else verb)
    if done.kept or done.unknown or done.unseen:
        raise typer.Exit(ExitCode.VERDICT)
