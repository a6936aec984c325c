"""Compares the table with the published index, and shows the progress."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from botocore.exceptions import ClientError

from receipt_index.reader import Readers
from receipt_ops.connection import Connection
from receipt_ops.errors import EmptySelectionError
from receipt_ops.repair.newest_vectors import NewestVectors
from receipt_ops.repair.wiring import newest_of
from receipt_ops.snapshots.since_tasks import add_since
from receipt_ops.terminal.console import notes, progress_bars
from receipt_ops.terminal.failures import sentence
from receipt_ops.verification.last_comparison import LastComparison
from receipt_ops.verification.scope import Scope
from receipt_ops.verification.settling import Settled, settle
from receipt_ops.verification.suspects import FRESHNESS_GOAL_SECONDS, Patience
from receipt_ops.verification.verdict import Verdict
from receipt_ops.verification.verify import Advance, Sink, Verification
from receipt_ops.verification.wiring import backlog_of, note_of, patience_of, source_of
from receipt_sync.clock import SystemClock


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
    with ExitStack() as stack:
        vectors = newest or stack.enter_context(newest_of(connection, readers))
        vectors.refresh()
        return Verification(
            source_of(connection),
            readers,
            SystemClock(),
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
            backlog_of(connection),
            SystemClock(),
            seconds,
            lambda left, time: status.update(f"settling: {left}, {time:.0f} s left"),
        )


def note_comparison(connection: Connection, verdict: Verdict) -> None:
    """Note the verdict for `status`. If AWS refuses the write, print a note and continue."""
    try:
        note_of(connection).write(LastComparison.of(verdict, SystemClock().now()))
    except ClientError as error:
        reason = sentence(error, connection)
        notes().print(
            f"`status` will not show this comparison, because it was not stored: {reason}",
            soft_wrap=True,
        )


def with_since(connection: Connection, verdict: Verdict) -> Verdict:
    """Return a verdict whose examples say since which version they are unchanged."""
    verified = {name: counts.version for name, counts in verdict.counts.items()}
    with notes().status("opening earlier versions"):
        return replace(verdict, examples=add_since(connection, verdict.examples, verified))
