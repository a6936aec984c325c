"""The command `receipt-sync verify`."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from random import SystemRandom
from typing import Annotated

import typer
from botocore.exceptions import ClientError

from compactor.source import DynamoDBSource
from operations.commands.options import (
    AsJson,
    FreshnessGoal,
    ImageOption,
    ReceiptOption,
    SampleOption,
    SeedOption,
)
from operations.commands.selection import check_scope, scope_of
from operations.commands.verdict_screen import show_verdict
from operations.connection import Connection
from operations.console import ends_in_a_sentence, notes, print_json, progress_bars
from operations.deployment.last_comparison import BucketNote, LastComparison
from operations.environment import connection_of_process
from operations.errors import EmptySelectionError
from operations.exit_codes import ExitCode
from operations.failures import explained, sentence
from operations.readers import Readers, snapshot_readers
from operations.repair.newest_vectors import NewestVectors
from operations.repair.wiring import newest_of
from operations.scope import Scope
from operations.settling import Settled, queue_backlog, settle
from operations.silence import Silence
from operations.snapshots.past import add_since
from operations.suspects import FRESHNESS_GOAL_SECONDS, Patience
from operations.verdict import Verdict
from operations.verification import Advance, Sink, Verification
from receipt_sync.clock import SystemClock


@ends_in_a_sentence
def verify_command(  # noqa: PLR0913, PLR0917 one argument an option
    image: ImageOption = None,
    receipt: ReceiptOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    wait: Annotated[
        float, typer.Option(help="Most seconds to wait until the backlog is applied.", min=0)
    ] = 0,
    freshness_goal: FreshnessGoal = FRESHNESS_GOAL_SECONDS,
    examples: Annotated[int, typer.Option(help="Most examples of each kind to show.", min=0)] = 5,
    since: Annotated[
        bool,
        typer.Option("--since", help="Find the version since which each example is unchanged."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the table with the published snapshot: every record, every field.

    Exit code 0: no difference. 1: records are missing, unexpected or different. 2: the comparison
    failed.

    An entity without a record is pending until its embedding_status is SUCCESS. That is not a
    difference. The vector of a stale record was made from an earlier text.

    The table may change during the command. The command compares a different record again until it
    is equal, or until it has been wrong for the freshness goal. With an empty queue, this takes ten
    seconds at most. "changing" counts entities that changed too often for a decision.

    --since opens the earlier versions that the bucket keeps. A record is wrong since the found
    version at the earliest, or since a later change of the table.

    Example: receipt-sync verify --wait 120

    Example: receipt-sync verify --receipt 5c2a7a4e-1111-4222-8333-444455556666/1 --since

    Example: receipt-sync verify --sample 0.01 --json | jq .different
    """
    check_scope(image, receipt, sample, seed)
    connection = connection_of_process()
    with explained(connection), snapshot_readers(connection) as readers:
        scope = scope_of(connection, image, receipt, sample, seed)
        settled = None
        if wait:
            verdict, settled = settle_with_progress(
                connection, readers, wait, examples, scope, freshness_goal
            )
        else:
            verdict = verify_with_progress(
                connection, readers, examples, scope, goal=freshness_goal
            )
        check_selected(verdict, scope)
        if scope.is_whole:
            _note(connection, verdict)
        if since:
            verdict = _with_since(connection, verdict)
    if as_json:
        print_json({**verdict.to_json(), "settled": settled})
    else:
        show_verdict(verdict)
    if not verdict.is_equal:
        raise typer.Exit(ExitCode.VERDICT)


def verify_with_progress(
    connection: Connection,
    readers: Readers,
    examples: int,
    scope: Scope | None = None,
    found: Sink = lambda _: None,
    goal: float = FRESHNESS_GOAL_SECONDS,
    newest: NewestVectors | None = None,
) -> Verdict:
    """Verify the published index with a progress bar. A difference may last `goal` seconds."""
    with progress_bars() as progress:
        bar = progress.add_task("entities compared", total=None)

        def report(left: int) -> None:
            progress.update(bar, description=f"{left:,} compared again")

        return verify_once(
            connection,
            readers,
            examples,
            lambda count: progress.advance(bar, count),
            lambda total: progress.update(bar, total=total),
            scope,
            found,
            patience_of(connection, readers, goal, report),
            newest,
        )


def check_selected(verdict: Verdict, scope: Scope) -> None:
    """Raise EmptySelectionError if the selected part of the table is empty."""
    if verdict.is_empty and not scope.is_whole:
        raise EmptySelectionError(
            "neither the table nor the index holds anything of the selected part: check the id of "
            "the image or receipt, or choose a larger sample"
        )


def patience_of(
    connection: Connection,
    readers: Readers,
    goal: float,
    report: Callable[[int], None] = lambda _: None,
) -> Patience | None:
    """Return the patience with differences; None for a goal of 0 seconds, if one look decides."""
    if goal <= 0:
        return None
    queue_url = connection.names.compaction_queue_url
    return Patience(
        goal,
        lambda: sum(reader.refresh() for reader in readers.values()) > 0,
        lambda: queue_backlog(connection.sqs, queue_url).is_empty,
        report,
    )


def verify_once(  # noqa: PLR0913, PLR0917 The inputs, the options, and the receivers of results.
    connection: Connection,
    readers: Readers,
    examples: int,
    advance: Advance = lambda _: None,
    expect: Callable[[int], None] = lambda _: None,
    scope: Scope | None = None,
    found: Sink = lambda _: None,
    patience: Patience | None = None,
    newest: NewestVectors | None = None,
) -> Verdict:
    """Verify the published index now. `expect` receives the approximate number of entities.

    `newest` keeps the outlines of deltas from one verification to the next.
    """
    for reader in readers.values():
        reader.refresh()
    if scope is None or scope.is_whole:
        expect(sum(reader.count() for reader in readers.values() if reader.version))
    clock = SystemClock()
    source = DynamoDBSource(connection.dynamodb, connection.names.table, SystemRandom(), Silence())
    with ExitStack() as stack:
        vectors = newest or stack.enter_context(newest_of(connection, readers))
        vectors.refresh()
        return Verification(
            source,
            readers,
            clock,
            examples,
            advance,
            scope,
            found,
            patience=patience,
            newer=vectors.newer,
        ).run()


def settle_with_progress(
    connection: Connection,
    readers: Readers,
    seconds: float,
    examples: int,
    scope: Scope | None = None,
    goal: float = FRESHNESS_GOAL_SECONDS,
) -> Settled:
    """Wait until the backlog is applied, show its size meanwhile, and verify.

    A difference may last `goal` seconds, but not longer than the wait.
    """
    queue_url = connection.names.compaction_queue_url
    with notes().status("settling") as status, newest_of(connection, readers) as newest:
        patience = patience_of(
            connection,
            readers,
            min(seconds, goal),
            lambda left: status.update(f"settling: {left:,} records are compared again"),
        )
        return settle(
            lambda: verify_once(
                connection, readers, examples, scope=scope, patience=patience, newest=newest
            ),
            lambda: queue_backlog(connection.sqs, queue_url),
            SystemClock(),
            seconds,
            lambda left, time: status.update(f"settling: {left}, {time:.0f} s left"),
        )


def _note(connection: Connection, verdict: Verdict) -> None:
    """Note the verdict for `status`. If AWS refuses the write, print a note and continue."""
    note = BucketNote(connection.s3, connection.names.bucket)
    try:
        note.write(LastComparison.of(verdict, SystemClock().now()))
    except ClientError as error:
        reason = sentence(error, connection)
        notes().print(
            f"`status` will not show this comparison, because it was not stored: {reason}",
            soft_wrap=True,
        )


def _with_since(connection: Connection, verdict: Verdict) -> Verdict:
    verified = {name: tally.version for name, tally in verdict.tallies.items()}
    with notes().status("opening earlier versions"):
        return replace(verdict, examples=add_since(connection, verdict.examples, verified))
