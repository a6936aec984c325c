"""The commands `receipt-sync snapshot show | history | restore | gc | rebuild`."""

from datetime import timedelta
from itertools import islice
from typing import Annotated

import typer

from receipt_index.snapshot.restore import RestorePlan
from receipt_ops.commands.options import MOST_HOURS, AsJson, DryRun
from receipt_ops.connection import Connection
from receipt_ops.environment import connection_of_process
from receipt_ops.repair.dimension_choice import given_dimension, only_dimension_of_restore
from receipt_ops.screens.snapshots import (
    HistoryRow,
    garbage_json,
    next_step,
    print_garbage,
    print_history,
    print_version,
    rebuilt_table,
    restored_table,
    row_of,
)
from receipt_ops.snapshots.garbage import stored_objects
from receipt_ops.snapshots.manifests import Damaged, check_has_snapshots
from receipt_ops.snapshots.objects import Soundness
from receipt_ops.snapshots.rebuild_tasks import IndexRebuild
from receipt_ops.snapshots.restore_tasks import Restoration
from receipt_ops.snapshots.tasks import delete_garbage, find_garbage
from receipt_ops.snapshots.wiring import history_of, present_versions, store_of
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
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

CollectionArgument = Annotated[Collection, typer.Argument(help="The collection of the snapshot.")]

snapshot = typer.Typer(
    no_args_is_help=True,
    help="Show the published versions, restore one, rebuild an index, delete unused objects.",
)


@snapshot.command("show")
@ends_in_a_sentence
def show_command(as_json: AsJson = False) -> None:
    """Show the published version of each collection: size, records, packs, writer and time.

    Exit code 0: all manifests are readable. 1: a manifest is damaged; the others are shown.

    Example: receipt-sync snapshot show
    """
    connection = connection_of_process()
    with explained(connection):
        found = present_versions(connection)
    if as_json:
        print_json({name.value: one.to_json() if one else None for name, one in found.items()})
    else:
        for collection, version in found.items():
            print_version(collection, version)
    if any(isinstance(version, Damaged) for version in found.values()):
        raise typer.Exit(ExitCode.VERDICT)


@snapshot.command("history")
@ends_in_a_sentence
def history_command(
    collection: CollectionArgument,
    limit: Annotated[int, typer.Option(help="Number of versions to show.", min=1)] = 20,
    check: Annotated[
        bool, typer.Option("--check", help="Fetch every object and compare it with its name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the versions that the bucket keeps, newest first, and whether their objects exist.

    The compactor deletes unneeded objects after its retention. So an older version may lack
    objects. Without --check, the command does not read the objects. With --check, it fetches each
    object once and compares its content with its name. A version is whole if all objects match.

    Exit code 0: no fault was found. 1: the newest version lacks objects or is unreadable, or
    --check has found a damaged object.

    Example: receipt-sync snapshot history receipt_lines --limit 5 --check
    """
    connection = connection_of_process()
    with explained(connection), notes().status("reading versions"):
        rows = _rows(connection, collection, limit, check=check)
    if as_json:
        print_json({"versions": [row.to_json() for row in rows]})
    else:
        print_history(collection, rows)
    if any(row.damaged for row in rows) or any(row.whole is False for row in rows[:1]):
        raise typer.Exit(ExitCode.VERDICT)


@snapshot.command("restore")
@ends_in_a_sentence
def restore_command(
    collection: CollectionArgument,
    version: Annotated[
        int | None, typer.Argument(help="The version, as `snapshot history` lists it.", min=1)
    ] = None,
    readable: Annotated[
        bool,
        typer.Option("--newest-readable", help="The newest version that can be read."),
    ] = False,
    dimension: Annotated[
        int | None,
        typer.Option(help="Dimension of the later vectors, if no version tells it.", min=1),
    ] = None,
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

    A version that never held a vector takes the dimension of the published version. If that can't
    be read and the later deltas have several dimensions, the command restores nothing and asks for
    --dimension.

    With --newest-readable, the command looks for the newest version whose objects are whole and
    that Chroma opens. If that is the published version, the command restores nothing.

    Exit code 0: restored, or the published version is readable. 2: not restored, or restored but
    not all deltas were sent again; the error says which.

    Example: receipt-sync snapshot restore receipt_lines 41 --dry-run

    Example: receipt-sync snapshot restore receipt_lines --newest-readable --dry-run
    """
    if (version is None) is not readable:
        raise typer.BadParameter("give either a version or --newest-readable")
    connection = connection_of_process()
    if version is not None and not dry_run:
        _confirm(collection, version, yes=yes)
    with explained(connection):
        choose = only_dimension_of_restore if dimension is None else given_dimension(dimension)
        restoration = Restoration(connection, collection, SystemClock(), choose)
        plan = _plan(restoration, version)
        if plan is None:
            _print_nothing_restored(collection, as_json=as_json)
            return
        if version is None and not dry_run:
            _confirm(collection, plan.chosen.version, yes=yes)
        with notes().status("fetching and checking the version's objects"):
            done = restoration.run(plan, dry_run=dry_run)
    if as_json:
        print_json(done.to_json())
    else:
        output().print(restored_table(done, collection))
        output().print(next_step(done))


@snapshot.command("gc")
@ends_in_a_sentence
def gc_command(
    collection: CollectionArgument,
    older_than: Annotated[
        float,
        typer.Option(
            help="Age in hours. A publish in progress may need younger objects.",
            min=1,
            max=MOST_HOURS,
        ),
    ] = 24,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete the objects that no kept version names. Crashed publishes leave such objects.

    The command keeps the objects that a version needs or has retired. The compactor deletes
    retired objects itself.

    The manifest announces each deletion first. If S3 then refuses it, no command can delete the
    objects while they are announced. That is until the compactor's first publish after its
    retention. A run before that counts them, and says when to run the command again.

    Exit code 0: all such objects are deleted, except announced ones. 2: S3 has not deleted some, or
    the command could not begin; the error says why.

    Example: receipt-sync snapshot gc receipt_words --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this deletes the objects that no kept version of {collection} names", yes=yes)
    with explained(connection), notes().status("listing objects"):
        found, announced = find_garbage(connection, collection, timedelta(hours=older_than))
        if not dry_run:
            found = delete_garbage(connection, collection, found)
    if as_json:
        print_json(garbage_json(found, announced, dry_run=dry_run))
    else:
        print_garbage(found, announced, dry_run=dry_run)


@snapshot.command("rebuild")
@ends_in_a_sentence
def rebuild_command(
    collection: CollectionArgument,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Make a new index of the present records, and publish it as the newest version.

    Chroma keeps every deleted element in its index. The compactor makes a new index by itself above
    1.5 elements a record. This command does the same without the limits of the function, for
    example if the metric RebuildsPostponed shows that the function lacks time or memory.

    The command takes the lease of the collection, so its messages wait meanwhile. It copies every
    record, compares both indexes, and publishes on condition that no other version was published.
    A dry run fetches and opens the version, and shows what a rebuild would replace.

    Exit code 0: rebuilt, or a rebuild is possible. 2: not rebuilt, and the published version
    stands; the error says why.

    Example: receipt-sync snapshot rebuild receipt_lines --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this publishes a new index of {collection}", yes=yes)
    with explained(connection), progress_bars() as progress:
        task = progress.add_task("records", total=None)
        done = IndexRebuild(connection, collection, SystemClock()).run(
            lambda copied, total: progress.update(task, completed=copied, total=total),
            dry_run=dry_run,
        )
    if as_json:
        print_json({"collection": collection.value, **done.to_json()})
    else:
        output().print(rebuilt_table(done, collection))


def _confirm(collection: Collection, version: int, *, yes: bool) -> None:
    confirm(f"this replaces the published version of {collection} with version {version}", yes=yes)


def _plan(restoration: Restoration, version: int | None) -> RestorePlan | None:
    """Return the plan for a version; for None, that of the newest readable version."""
    if version is not None:
        return restoration.find(version)
    with notes().status("looking for the newest version that can be read"):
        return restoration.find_newest_readable()


def _print_nothing_restored(collection: Collection, *, as_json: bool) -> None:
    if as_json:
        print_json({"restored": None, "published": None})
        return
    output().print(f"the published version of {collection} is readable, so nothing was restored")


def _rows(
    connection: Connection, collection: Collection, limit: int, *, check: bool
) -> list[HistoryRow]:
    """Return the newest versions and the state of their objects."""
    check_has_snapshots(store_of(connection, collection), collection)
    s3, bucket = connection.s3, connection.names.bucket
    sizes = {stored.name: stored.size for stored in stored_objects(s3, bucket, collection)}
    history = history_of(connection, collection)
    entries = (entry for page in history.pages() for entry in page.entries)
    soundness = Soundness(store_of(connection, collection)) if check else None
    return [row_of(kept, sizes, soundness) for kept in history.read(islice(entries, limit))]
