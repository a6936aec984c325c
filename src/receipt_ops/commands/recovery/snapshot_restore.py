"""The command `receipt-sync snapshot restore`."""

from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.environment import connection_of_process
from receipt_ops.screens.verdict import moment
from receipt_ops.snapshots.restoring import Restoration, Restored
from receipt_ops.terminal.confirmation import Yes, confirm
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.failures import explained
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

Of = Annotated[Collection, typer.Argument(help="The collection of the snapshot.")]


@ends_in_a_sentence
def restore_command(
    collection: Of,
    version: Annotated[
        int, typer.Argument(help="The version, as `snapshot history` lists it.", min=1)
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish an earlier version again under a higher number, and send the later vectors again.

    The command first fetches and checks all objects of the version, also in a dry run. It switches
    the queue's event source mappings off during the restore, and on afterwards.

    The version lacks the vectors that the compactor acknowledged after it. So the command sends
    every newer delta to the queue again. It also sends deltas that are older than the version by
    less than the queue's retention. The bucket keeps deltas for `delta_retention_days` of
    Terraform, so some deltas of an old version may be gone. The version also lacks later changes of
    the table: run `repair` afterwards.

    Exit code 0: restored. 2: not restored, or restored but not all deltas were sent again; the
    error says which.

    Example: receipt-sync snapshot restore receipt_lines 41 --dry-run
    """
    connection, clock = connection_of_process(), SystemClock()
    if not dry_run:
        confirm(
            f"this replaces the published version of {collection} with version {version}", yes=yes
        )
    with explained(connection), notes().status("fetching and checking the version's objects"):
        restoration = Restoration(connection, collection, clock)
        done = restoration.run(restoration.find(version), dry_run=dry_run)
    if as_json:
        print_json(done.to_json())
    else:
        output().print(restored_table(done, collection))
        output().print(_next(done))


def restored_table(done: Restored, collection: Collection) -> Table:
    """Return a table of the versions and of the deltas that were, or would be, sent."""
    plan, resent = done.plan, done.resent
    verb = "restored" if done.published else "would be restored"
    table = Table(title=f"{collection}, {verb}", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("is", overflow="fold")
    for name, manifest in (("this version", plan.chosen), ("replaces this one", plan.newest)):
        table.add_row(
            name,
            f"{manifest.version:,} of {moment(manifest.published_at)}, "
            f"{manifest.record_count:,} records",
        )
    if done.published:
        table.add_row("published as version", f"{done.published:,}")
    table.add_row("deltas to the queue", f"{resent.deltas:,}, with {resent.vectors:,} vectors")
    table.add_row("made since", moment(resent.since))
    if resent.refused:
        names = ", ".join(resent.refused_keys[:3])
        table.add_row("deltas that the compactor refuses", f"{resent.refused:,}: {names}")
    kept = f"{done.kept_for.days} days" if done.kept_for else "no rule deletes them"
    table.add_row("the bucket keeps deltas for", kept)
    return table


def _next(done: Restored) -> str:
    lost = done.lost_before
    if lost is not None:
        return (
            f"[red]The bucket no longer keeps deltas from before {moment(lost)}. So vectors from "
            "before that time that this version lacks are lost. Run `receipt-sync repair`, and "
            "embed the records that it lists.[/red]"
        )
    return "Now run `receipt-sync repair --wait 120`, then `receipt-sync verify`."
