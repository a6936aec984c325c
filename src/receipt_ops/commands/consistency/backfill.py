"""The command `receipt-sync backfill`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from receipt_index.reader import Readers
from receipt_ops.commands.options import MOST_RATE, MOST_SECONDS, AsJson, DryRun
from receipt_ops.connection import Connection, check_reachable
from receipt_ops.environment import connection_of_process
from receipt_ops.errors import HalfDoneError
from receipt_ops.readers import snapshot_readers
from receipt_ops.repair.backfill import Pace, Sent
from receipt_ops.repair.backfill_tasks import backfill_of, backfill_with_progress, count_records
from receipt_ops.screens.verdict import moment
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained, reason_of
from receipt_ops.verification.settling import Settled
from receipt_ops.verification.tasks import settle_with_progress


@ends_in_a_sentence
def backfill_command(
    rate: Annotated[
        float,
        typer.Option(
            "--changes-per-second", help="Records to send per second.", min=1, max=MOST_RATE
        ),
    ] = 1_000,
    most_waiting: Annotated[
        int, typer.Option(help="Send another page only below this many messages.", min=0)
    ] = 200,
    place: Annotated[
        Path, typer.Option(help="File with the position of an interrupted run.", dir_okay=False)
    ] = Path("backfill.place"),
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    wait: Annotated[
        float,
        typer.Option(help="Seconds to wait for the effect, then verify.", min=0, max=MOST_SECONDS),
    ] = 0,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send every line and word through the queue, so that the compactor recomputes their records.

    Use it for changes that the stream does not hold. The table may be older than its stream, or a
    mapping was off for more than a day. The command waits while the compactor is behind. Vectors
    come only from embedding deltas. `repair` sends those again.

    An interrupted run leaves a place file, from which --resume continues. Before the first page,
    the command checks that it can write this file, also in a dry run. --resume works for 24 hours
    after the start of that run, because the stream keeps changes for that long. Without --resume,
    every run starts from the beginning.

    With --wait, the command first opens what it will verify, also in a dry run.

    Exit code 0: all records are sent (with --wait: and equal). 1: differences are left after
    --wait. 2: some records are not sent, or all are sent but not verified; the error says which.

    Example: receipt-sync backfill --changes-per-second 500

    Example: receipt-sync backfill --resume

    Example: receipt-sync backfill --dry-run
    """
    connection = connection_of_process()
    with explained(connection), ExitStack() as stack:
        check_reachable(connection)
        readers = _opened(stack, connection) if wait else {}
        settled = None
        backfill = backfill_of(connection, Pace(rate, most_waiting), place)
        left = backfill.left(resume=resume)
        if dry_run:
            now = count_records(connection, left.next if left else None)
            sent = Sent(now, left.sent if left else 0)
        else:
            sent = backfill_with_progress(connection, backfill, left)
            settled = _settle(connection, readers, wait, sent) if wait else None
    if as_json:
        content = {"records": sent.now, "records_before": sent.before, "dry_run": dry_run}
        verdict = settled.verdict.to_json() if settled else None
        print_json({**content, "settled": settled.settled if settled else None, "verdict": verdict})
    else:
        output().print(f"{sent.now:,} records {'would be ' if dry_run else ''}sent")
        if left is not None:
            output().print(f"the run of {moment(left.begun)} had sent {sent.before:,} before")
    if settled is not None and not settled.settled:
        notes().print(
            f"{settled.verdict.faults:,} differences are left: wait longer if the queue is not "
            "empty. Otherwise run `receipt-sync verify`, and then `receipt-sync repair`",
            soft_wrap=True,
        )
        raise typer.Exit(ExitCode.VERDICT)


def _opened(stack: ExitStack, connection: Connection) -> Readers:
    """Return readers of the newest versions. A failure here comes before anything is sent.

    On a server target, `refresh` reads only the manifest. The count asks the server itself.
    """
    readers = stack.enter_context(snapshot_readers(connection))
    for reader in readers.values():
        reader.refresh()
        if reader.version:
            reader.count()
    return readers


def _settle(connection: Connection, readers: Readers, seconds: float, sent: Sent) -> Settled:
    """Wait and verify. Raises HalfDoneError, because all records are sent by now."""
    try:
        return settle_with_progress(connection, readers, seconds, 0)
    except Exception as error:
        raise HalfDoneError(
            f"{sent.now:,} records are sent, but not verified: {reason_of(error, connection)}. "
            "Repair that cause, then run `receipt-sync verify`"
        ) from error
