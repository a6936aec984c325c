"""The commands `receipt-sync snapshot show | history | restore | gc`."""

from datetime import timedelta
from itertools import islice
from typing import Annotated

import typer

from compactor.snapshot.manifest import Manifest
from compactor.snapshot.s3_store import S3SnapshotStore
from compactor.snapshot.shelf import Shelf
from compactor.snapshot.sweep import sweep
from operations.commands.options import MOST_HOURS, AsJson, DryRun
from operations.commands.snapshot_restore import Of, restore_command
from operations.commands.snapshot_screen import HistoryRow, print_history, print_version, row_of
from operations.confirmation import Yes, confirm
from operations.connection import Connection
from operations.console import ends_in_a_sentence, notes, output, print_json
from operations.environment import connection_of_process
from operations.errors import OperationError
from operations.exit_codes import ExitCode
from operations.failures import explained
from operations.snapshots.garbage import GarbageUnknownError, StoredObject, garbage, stored_objects
from operations.snapshots.history import ManifestHistory
from operations.snapshots.manifests import Damaged, check_has_snapshots, present_versions
from operations.snapshots.objects import Soundness
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

SWEEPER = "receipt-sync snapshot gc"

snapshot = typer.Typer(
    no_args_is_help=True,
    help="Show the published versions, restore one, and delete unused objects.",
)


class NotDeletedError(OperationError):
    """S3 did not delete some objects. The text names the first of them."""


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
    collection: Of,
    limit: Annotated[int, typer.Option(help="Number of versions to show.", min=1)] = 20,
    check: Annotated[
        bool, typer.Option("--check", help="Fetch every object and compare it with its name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the versions that the bucket keeps, newest first, and whether their objects exist.

    The compactor deletes unneeded objects after its retention (a day). So an older version may lack
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


snapshot.command("restore")(restore_command)


@snapshot.command("gc")
@ends_in_a_sentence
def gc_command(
    collection: Of,
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

    Exit code 0: all such objects are deleted. 2: some are not; the error says why.

    Example: receipt-sync snapshot gc receipt_words --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this deletes the objects that no kept version of {collection} names", yes=yes)
    with explained(connection), notes().status("listing objects"):
        found = _garbage(connection, collection, timedelta(hours=older_than))
        if not dry_run:
            found = _sweep(connection, collection, found)
    size = sum(stored.size for stored in found)
    if as_json:
        names = [stored.name for stored in found]
        print_json({"objects": names, "bytes": size, "dry_run": dry_run})
    else:
        verb = "would be deleted" if dry_run else "deleted"
        output().print(f"{len(found):,} objects of {size / 2**20:,.1f} MiB {verb}")


def _rows(
    connection: Connection, collection: Collection, limit: int, *, check: bool
) -> list[HistoryRow]:
    """Return the newest versions and the state of their objects."""
    check_has_snapshots(_store(connection, collection), collection)
    s3, bucket = connection.s3, connection.names.bucket
    sizes = {stored.name: stored.size for stored in stored_objects(s3, bucket, collection)}
    history = ManifestHistory(s3, bucket, collection)
    entries = (entry for page in history.pages() for entry in page.entries)
    soundness = Soundness(_store(connection, collection)) if check else None
    return [row_of(kept, sizes, soundness) for kept in history.read(islice(entries, limit))]


def _sweep(
    connection: Connection, collection: Collection, found: list[StoredObject]
) -> list[StoredObject]:
    store, names = _store(connection, collection), [stored.name for stored in found]
    swept = frozenset(sweep(store, collection, names, SystemClock(), SWEEPER))
    there = stored_objects(connection.s3, connection.names.bucket, collection)
    left = sorted(swept.intersection(stored.name for stored in there))
    if left:
        raise NotDeletedError(
            f"S3 has not deleted {len(left):,} of {len(swept):,} objects, among them {left[0]}: "
            "check that your role may call s3:DeleteObject. The manifest lists them as deleted "
            "until the compactor's retention is over: run the command again after that"
        )
    return [stored for stored in found if stored.name in swept]


def _garbage(
    connection: Connection, collection: Collection, grace: timedelta
) -> list[StoredObject]:
    """Return the objects that no kept version needs, so that a restore still finds its objects.

    Raises GarbageUnknownError if a manifest is unreadable, so that its objects are unknown.
    """
    check_has_snapshots(_store(connection, collection), collection)
    # List the objects first, so that the manifests include a publish that ends in between.
    objects = list(stored_objects(connection.s3, connection.names.bucket, collection))
    history = ManifestHistory(connection.s3, connection.names.bucket, collection)
    newest = _newest(history)
    shelf = Shelf(_store(connection, collection))
    return garbage(objects, newest, history, shelf, SystemClock().now(), grace)


def _newest(history: ManifestHistory) -> Manifest:
    """Return the newest manifest. Raises GarbageUnknownError if it is unreadable."""
    entries = (entry for page in history.pages() for entry in page.entries)
    for kept in history.read(islice(entries, 1)):
        if kept.manifest is not None:
            return kept.manifest
    raise GarbageUnknownError(
        f"the manifest of {history.collection} can't be read, so the objects that it needs are "
        "unknown: restore a version first with `receipt-sync snapshot restore`"
    )


def _store(connection: Connection, collection: Collection) -> S3SnapshotStore:
    return S3SnapshotStore(connection.s3, connection.names.bucket, collection)
