"""The command `receipt-sync repair`."""

from itertools import islice
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from receipt_ops.commands.options import (
    MOST_SECONDS,
    AsJson,
    DryRun,
    FreshnessGoal,
    ImageOption,
    ReceiptOption,
    SampleOption,
    SeedOption,
)
from receipt_ops.commands.selection import check_scope, scope_of
from receipt_ops.environment import connection_of_process
from receipt_ops.readers import snapshot_readers
from receipt_ops.repair.dimension_choice import given_dimension, only_dimension
from receipt_ops.repair.guard import DeleteLimit
from receipt_ops.repair.plan import Plan
from receipt_ops.repair.tasks import plan_with_progress, send_with_progress
from receipt_ops.repair.wiring import DEFAULT_LIMIT, newest_of, repair_of
from receipt_ops.terminal.confirmation import Yes, confirm
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_ops.verification.suspects import FRESHNESS_GOAL_SECONDS
from receipt_ops.verification.tasks import (
    check_selected,
    settle_with_progress,
    verify_with_progress,
)
from receipt_ops.verification.verdict import Verdict

_IDS_SHOWN = 10


@ends_in_a_sentence
def repair_command(  # noqa: PLR0913, PLR0917 one argument an option
    image: ImageOption = None,
    receipt: ReceiptOption = None,
    sample: SampleOption = None,
    seed: SeedOption = None,
    wait: Annotated[
        float,
        typer.Option(
            help="Most seconds to wait for the repair and verify it.", min=0, max=MOST_SECONDS
        ),
    ] = 0,
    max_delete_share: Annotated[
        float | None,
        typer.Option(
            help="Largest share of a collection to remove. Default: a tenth, or 1,000 records.",
            min=0,
            max=1,
        ),
    ] = None,
    dimension: Annotated[
        int | None,
        typer.Option(
            help="Dimension for a new collection whose deltas have several dimensions.",
            min=1,
        ),
    ] = None,
    freshness_goal: FreshnessGoal = FRESHNESS_GOAL_SECONDS,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Repair every difference between table and snapshot, through the path of every change.

    The compactor recomputes a record that differs, and removes a record without an item. If a
    record is missing, or its vector is older than its newest delta, the command sends that delta
    again. The bucket keeps deltas for `delta_retention_days` of Terraform. The command lists the
    records whose vectors are no longer kept: embed them again. Without --wait, it does not check
    the effect: run `receipt-sync verify` afterwards.

    By default, the command removes at most a tenth of a collection, or 1,000 records if that is
    more. To remove more, give --max-delete-share and confirm it at the terminal or with --yes. The
    compactor refuses to delete more than its MAX_DELETE_SHARE of a collection within an hour. So
    the command never sends more than that. Deletions of the last hour count too: the compactor
    returns what is too much to the queue, and --wait reports it.

    A new collection takes the dimension of the first delta that the compactor applies.
    If its deltas have several dimensions, the command sends nothing and asks for --dimension.

    Exit code 0: nothing differs, or all is sent (with --wait: and repaired). 1: some records cannot
    be repaired with this command, or --wait was too short. 2: a failure. The compactor applies the
    changes that were sent before it.

    Example: receipt-sync repair --dry-run

    Example: receipt-sync repair --wait 120
    """
    check_scope(image, receipt, sample, seed)
    connection = connection_of_process()
    choose = only_dimension if dimension is None else given_dimension(dimension)
    limit = DEFAULT_LIMIT if max_delete_share is None else DeleteLimit(max_delete_share, 0)
    with (
        explained(connection),
        snapshot_readers(connection) as readers,
        newest_of(connection, readers, choose) as newest,
        repair_of(connection, readers, newest, limit) as repair,
    ):
        scope = scope_of(connection, image, receipt, sample, seed)
        verdict = verify_with_progress(
            connection, readers, 0, scope, repair.note, freshness_goal, newest
        )
        check_selected(verdict, scope)
        plan = plan_with_progress(repair)
        beyond = repair.beyond(DEFAULT_LIMIT)
        if beyond and not dry_run:
            confirm(f"this removes {' and '.join(beyond)}", yes=yes)
        messages = 0 if dry_run else send_with_progress(repair, plan)
        after = None
        if wait and messages:
            after = settle_with_progress(
                connection, readers, wait, 0, scope, freshness_goal
            ).verdict
        _show(plan, messages, after, dry_run=dry_run, as_json=as_json)
        is_left = plan.is_left
    if is_left or not (after is None or after.is_equal):
        raise typer.Exit(ExitCode.VERDICT)


def _show(
    plan: Plan, messages: int, after: Verdict | None, *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        content: dict[str, Any] = {**plan.to_json(), "messages": messages, "dry_run": dry_run}
        print_json({**content, "after": after.to_json() if after else None})
        return
    console = output()
    console.print(plan_table(plan, dry_run=dry_run))
    for chroma_id in islice(plan.reembed(), _IDS_SHOWN):
        console.print(f"[yellow]embed again[/yellow] {escape(chroma_id)}", soft_wrap=True)
    for chroma_id, reason in islice(plan.by_hand(), _IDS_SHOWN):
        console.print(f"[red]manually[/red] {escape(f'{chroma_id}: {reason}')}", soft_wrap=True)
    if after is not None:
        console.print(
            "repaired" if after.is_equal else f"[red]{after.faults:,} differences are left[/red]"
        )


def plan_table(plan: Plan, *, dry_run: bool) -> Table:
    """Return a table of the messages that were sent, or would be sent."""
    table = Table(title="would be sent" if dry_run else "sent", title_justify="left")
    table.add_column("remedy")
    table.add_column("records", justify="right")
    rows = {
        "recompute": plan.recompute,
        "remove": plan.remove,
        "send the vector again": plan.resent,
        "embed again yourself": plan.reembed_count,
        "repair manually": plan.by_hand_count,
    }
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    return table
