"""The command `receipt-sync replay`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.dead_letters.content import FailureRecord, content_of
from receipt_ops.dead_letters.replay_tasks import ReplayResult, replay_dead_letters, replay_record
from receipt_ops.environment import connection_of_process
from receipt_ops.screens.dead_letters import print_unseen
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained


@ends_in_a_sentence
def replay_command(
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MESSAGE_ID]...",
            help="Dead letters of the stream's dead-letter queue. Default: all.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(help="JSON file of a failure record, instead of a dead letter.", exists=True),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Replay the parts of the stream that Lambda gave up, from their failure records.

    While the stream holds the records (24 hours), the command sends their changes to the compaction
    queue. After that, their entities are unknown, so the command compares the whole table and
    repairs the differences. It deletes a dead letter when its whole part is sent. A dead letter
    with a malformed record stays. The command retries a throttled call for a minute. After a
    failure or Ctrl-C, the same command continues with the remaining dead letters.

    Exit code 0: all is sent. 1: something is left. It is a malformed record, or a
    dead letter that names no part of the stream, was not found, or is held by another command.

    Example: receipt-sync replay --dry-run

    Example: receipt-sync replay --file failure-record.json
    """
    if ids and file is not None:
        raise typer.BadParameter("a MESSAGE_ID and --file name two records: give only one of them")
    connection = connection_of_process()
    with explained(connection):
        if file is not None:
            done = replay_record(connection, _record_of(file), dry_run=dry_run)
        else:
            done = replay_dead_letters(connection, ids or [], dry_run=dry_run)
    _show(done, dry_run=dry_run, as_json=as_json)
    if done.is_left:
        raise typer.Exit(ExitCode.VERDICT)


def _record_of(file: Path) -> FailureRecord:
    record = content_of(file.read_text())
    if not isinstance(record, FailureRecord):
        raise typer.BadParameter(
            f"{file} is not a failure record: give a JSON object with DDBStreamBatchInfo"
        )
    return record


def _show(done: ReplayResult, *, dry_run: bool, as_json: bool) -> None:
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
