"""The command `receipt-sync verify`."""

from typing import Annotated

import typer

from receipt_ops.commands.options import (
    MOST_SECONDS,
    AsJson,
    FreshnessGoal,
    ImageOption,
    ReceiptOption,
    SampleOption,
    SeedOption,
)
from receipt_ops.commands.selection import check_scope, scope_of
from receipt_ops.environment import connection_of_process
from receipt_ops.readers import snapshot_readers
from receipt_ops.screens.recall import show_search_verdict
from receipt_ops.screens.verdict import show_verdict
from receipt_ops.terminal.console import ends_in_a_sentence, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_ops.verification.recall_tasks import compare_search
from receipt_ops.verification.suspects import FRESHNESS_GOAL_SECONDS
from receipt_ops.verification.tasks import (
    check_selected,
    note_comparison,
    settle_with_progress,
    verify_with_progress,
    with_since,
)


@ends_in_a_sentence
def verify_command(  # noqa: PLR0913, PLR0917 one argument an option
    image: ImageOption = None,
    receipt: ReceiptOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    wait: Annotated[
        float,
        typer.Option(
            help="Most seconds to wait until the backlog is applied.", min=0, max=MOST_SECONDS
        ),
    ] = 0,
    freshness_goal: FreshnessGoal = FRESHNESS_GOAL_SECONDS,
    examples: Annotated[int, typer.Option(help="Most examples of each kind to show.", min=0)] = 5,
    since: Annotated[
        bool,
        typer.Option("--since", help="Find the version since which each example is unchanged."),
    ] = False,
    search: Annotated[
        bool, typer.Option("--search", help="Compare searches with exact ones, and nothing else.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the table with the published snapshot: every record, every field.

    Exit code 0: no difference. 1: records are missing, unexpected or different, or searches miss
    records. 2: the comparison failed.

    An entity without a record is pending until its embedding_status is SUCCESS. That is not a
    difference. The vector of a stale record was made from an earlier text.

    The table may change during the command. The command compares a different record again until it
    is equal, or until it has been wrong for the freshness goal. With an empty queue, this takes ten
    seconds at most. "changing" counts entities that changed too often for a decision.

    --since opens the earlier versions that the bucket keeps. A record is wrong since the found
    version at the earliest, or since a later change of the table.

    --search searches for every distinct vector of the snapshot, or for a share of them. It compares
    the answers with an exact search: recall@10, and the vectors that are not found. It refuses a
    Chroma server, because a server changes meanwhile.

    If the search uses Chroma's graph, the verdict of --search holds for this one copy of the
    snapshot. Each copy adds the newest writes to its graph in another order, so another reader can
    miss other vectors. An exact search is the same in every copy.

    Example: receipt-sync verify --wait 120

    Example: receipt-sync verify --receipt 5c2a7a4e-1111-4222-8333-444455556666/1 --since

    Example: receipt-sync verify --sample 0.01 --json | jq .different

    Example: receipt-sync verify --search --sample 0.1
    """
    check_scope(image, receipt, sample, seed)
    if search:
        if image or receipt or wait or since or freshness_goal != FRESHNESS_GOAL_SECONDS:
            raise typer.BadParameter(
                "--search compares whole collections as they are published: leave out --image, "
                "--receipt, --wait, --since and --freshness-goal"
            )
        _verify_search(sample, seed, examples, as_json)
        return
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
            note_comparison(connection, verdict)
        if since:
            verdict = with_since(connection, verdict)
    if as_json:
        print_json({**verdict.to_json(), "settled": settled})
    else:
        show_verdict(verdict)
    if not verdict.is_equal:
        raise typer.Exit(ExitCode.VERDICT)


def _verify_search(sample: float | None, seed: int | None, examples: int, as_json: bool) -> None:
    connection = connection_of_process()
    with explained(connection), snapshot_readers(connection) as readers:
        verdict = compare_search(readers, sample, seed, examples)
    if as_json:
        print_json(verdict.to_json())
    else:
        show_search_verdict(verdict)
    if not verdict.is_good:
        raise typer.Exit(ExitCode.VERDICT)
