"""`receipt-sync snapshot show | history | restore | gc`."""

from datetime import timedelta
from itertools import islice
from typing import Annotated

import typer

from compactor.snapshot.manifest import Manifest
from compactor.snapshot.restore import restore
from compactor.snapshot.s3_store import S3SnapshotStore
from compactor.snapshot.shelf import Shelf
from compactor.snapshot.sweep import sweep
from operations.commands.options import AsJson, DryRun
from operations.commands.snapshot_screen import print_history, print_version, row_of
from operations.confirmation import Yes, confirm
from operations.connection import Connection
from operations.console import ends_in_a_sentence, notes, output, print_json
from operations.environment import connection_of_process
from operations.errors import OperationError
from operations.failures import explained
from operations.scratch import scratch
from operations.snapshots.garbage import StoredObject, garbage, stored_objects
from operations.snapshots.history import ManifestHistory, whole
from operations.snapshots.manifests import Damaged, present_versions
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

RESTORER = "receipt-sync snapshot restore"
SWEEPER = "receipt-sync snapshot gc"
DAMAGED = 1

snapshot = typer.Typer(no_args_is_help=True, help="Look at what is published, and go back.")
Of = Annotated[Collection, typer.Argument(help="Which collection's snapshot.")]


class NothingKeptError(OperationError):
    """The bucket keeps no readable manifest."""


@snapshot.command("show")
@ends_in_a_sentence
def show_command(as_json: AsJson = False) -> None:
    """Show the published version of each collection: size, records, packs, who wrote it and when.

    Exit code 0: each can be read. 1: a manifest is damaged; the others are shown.

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
        raise typer.Exit(DAMAGED)


@snapshot.command("history")
@ends_in_a_sentence
def history_command(
    collection: Of,
    limit: Annotated[int, typer.Option(help="How many versions to show.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the versions that the bucket keeps, newest first, and which of them are whole.

    A version is whole while each of its objects is kept: the compactor deletes those that no
    version needs any more after its retention (a day).

    Example: receipt-sync snapshot history receipt_lines --limit 50
    """
    connection = connection_of_process()
    with explained(connection):
        kept = list(_history(connection, collection))
    complete = {entry.version_id for entry, _ in whole(kept, _store(connection, collection))}
    shown = list(islice(kept, limit))
    if as_json:
        print_json({"versions": [row_of(one, one.version_id in complete) for one in shown]})
    else:
        print_history(collection, shown, complete)


@snapshot.command("restore")
@ends_in_a_sentence
def restore_command(
    collection: Of,
    version: Annotated[int, typer.Argument(help="As `snapshot history` lists it.", min=1)],
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Publish an earlier version anew, under a higher number.

    All of its objects are fetched and checked before anything is published. What has changed in
    the table since then is not in it: run `repair` afterwards.

    Exit code 0: restored. 2: it was not, and why.

    Example: receipt-sync snapshot restore receipt_lines 41 --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this makes version {version} of {collection} the published one", yes=yes)
    with explained(connection):
        history = [one.manifest for one in _history(connection, collection) if one.manifest]
        if not history:
            raise NothingKeptError(
                f"the bucket keeps no readable manifest of a snapshot of {collection}: a Chroma "
                "server has none; of a directory, `receipt-sync repair` builds it from the deltas"
            )
        number = history[0].version if dry_run else _restore(connection, history, version)
        if dry_run:
            _check(history, version)
    if as_json:
        print_json({"restored": version, "published": None if dry_run else number})
    elif dry_run:
        output().print(f"would publish version {version} of {collection} anew")
    else:
        output().print(
            f"version {version} of {collection} is published as version {number}: now run "
            "`receipt-sync repair`"
        )


@snapshot.command("gc")
@ends_in_a_sentence
def gc_command(
    collection: Of,
    older_than: Annotated[
        float, typer.Option(help="Hours; a publish under way has stored younger ones.", min=1)
    ] = 24,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete objects that no kept version names: what crashed publishes have left behind.

    What a version needs, or has retired and not yet deleted, stays. The compactor deletes retired
    objects itself.

    Example: receipt-sync snapshot gc receipt_words --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this deletes what no kept version of {collection} names", yes=yes)
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


def _restore(connection: Connection, history: list[Manifest], version: int) -> int:
    store = _store(connection, history[0].collection)
    with (
        scratch() as folder,
        notes().status("fetching and checking its objects"),
    ):
        return restore(store, history, version, folder, SystemClock(), RESTORER).version


def _sweep(
    connection: Connection, collection: Collection, found: list[StoredObject]
) -> list[StoredObject]:
    store, names = _store(connection, collection), [stored.name for stored in found]
    swept = frozenset(sweep(store, collection, names, SystemClock(), SWEEPER))
    return [stored for stored in found if stored.name in swept]


def _garbage(
    connection: Connection, collection: Collection, grace: timedelta
) -> list[StoredObject]:
    """Every version that the bucket keeps has its say, so that a restore still finds its objects.

    Raises NothingKeptError where one can't be read: what it needs is not known.
    """
    # Objects first: what a publish names in between is then known to be named.
    objects = list(stored_objects(connection.s3, connection.names.bucket, collection))
    kept = list(_history(connection, collection))
    if not all(one.manifest for one in kept) or not kept:
        raise NothingKeptError(
            f"not every kept manifest of {collection} can be read, so what is garbage is not known"
        )
    manifests = [one.manifest for one in kept if one.manifest]
    shelf = Shelf(_store(connection, collection))
    return garbage(objects, manifests, shelf, SystemClock().now(), grace)


def _check(history: list[Manifest], version: int) -> None:
    if version not in {manifest.version for manifest in history}:
        raise NothingKeptError(f"version {version} is not kept: see `snapshot history`")


def _history(connection: Connection, collection: Collection) -> ManifestHistory:
    return ManifestHistory(connection.s3, connection.names.bucket, collection)


def _store(connection: Connection, collection: Collection) -> S3SnapshotStore:
    return S3SnapshotStore(connection.s3, connection.names.bucket, collection)
