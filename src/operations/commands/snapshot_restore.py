"""`receipt-sync snapshot restore`."""

from typing import Annotated

import typer
from rich.table import Table

from operations.commands.options import AsJson, DryRun
from operations.commands.verdict_screen import moment
from operations.confirmation import Yes, confirm
from operations.console import ends_in_a_sentence, notes, output, print_json
from operations.environment import connection_of_process
from operations.failures import explained
from operations.snapshots.restoring import Restoration, Restored
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

Of = Annotated[Collection, typer.Argument(help="Which collection's snapshot.")]


@ends_in_a_sentence
def restore_command(
    collection: Of,
    version: Annotated[int, typer.Argument(help="As `snapshot history` lists it.", min=1)],
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Publish an earlier version anew, under a higher number, and send the vectors since it again.

    All of its objects are fetched and checked before anything is published, of a dry run too. The
    queue's mapping is off meanwhile, and on again afterwards.

    The version lacks the vectors that were acknowledged after it. So every delta that is newer than
    it, less the time for which the queue keeps a message, is sent to the queue again. The bucket
    keeps deltas for `delta_retention_days` of Terraform: of an older version, some are gone. What
    else has changed in the table since then is not in the version: run `repair` afterwards.

    Exit code 0: restored. 2: it was not, and why; or it was, and not all deltas were sent again.

    Example: receipt-sync snapshot restore receipt_lines 41 --dry-run
    """
    connection, clock = connection_of_process(), SystemClock()
    if not dry_run:
        confirm(f"this replaces what is published of {collection} by version {version}", yes=yes)
    with explained(connection), notes().status("fetching and checking the version's objects"):
        restoration = Restoration(connection, collection, clock)
        done = restoration.run(restoration.find(version), dry_run=dry_run)
    if as_json:
        print_json(done.to_json())
    else:
        output().print(restored_table(done, collection))
        output().print(_next(done))


def restored_table(done: Restored, collection: Collection) -> Table:
    """What was, or would be, replaced and sent."""
    way, resent = done.way, done.resent
    verb = "restored" if done.published else "would be restored"
    table = Table(title=f"{collection}, {verb}", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("is", overflow="fold")
    for name, manifest in (("this version", way.chosen), ("replaces this one", way.newest)):
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
            f"[red]Deltas from before {moment(lost)} are no longer kept. Vectors of this version "
            "that were replaced before that can't come back: embed what `repair` lists.[/red]"
        )
    return "Now run `receipt-sync repair --wait 120`, then `receipt-sync verify`."
