"""Delete objects that crashed publishes left behind.

Objects are named by their content, so a publish that is under way may need one of them again.
Therefore a new version of the manifest first lists them as being deleted. The condition of a
publish that began earlier then fails. A publish that begins later does not use these objects.

Before the first publish has ended, nothing is deleted. Its base would need the same objects again,
and would be refused until their deletion is over.
"""

from collections.abc import Iterable
from typing import Final

from receipt_index.snapshot.format.manifest import FORMAT, Manifest, Retired, read_manifest
from receipt_index.snapshot.store.retired_lists import RetiredLists, is_list
from receipt_index.snapshot.store.snapshot_store import FetchedManifest, SnapshotStore
from receipt_sync.clock import Clock
from receipt_sync.errors import PublishRefusedError
from receipt_sync.keys import Collection

_TRIES: Final = 10


def delete_orphans(
    store: SnapshotStore, collection: Collection, names: Iterable[str], clock: Clock, writer: str
) -> list[str]:
    """Delete the objects of these names that no version names, and return their names.

    Raises the errors of `announce_orphans`, after which nothing was deleted. Raises
    ObjectsNotDeletedError.
    """
    orphans = announce_orphans(store, collection, names, clock, writer)
    store.delete(orphans)
    return orphans


def announce_orphans(
    store: SnapshotStore, collection: Collection, names: Iterable[str], clock: Clock, writer: str
) -> list[str]:
    """Publish that the objects of these names that no version names are being deleted.

    Returns their names, which the caller deletes. Raises PublishRefusedError if other versions are
    published before every try. Raises SnapshotDamagedError if the present version can't be read.
    """
    wanted = frozenset(names)
    for number in range(_TRIES):
        try:
            return _announced(store, collection, wanted, clock, writer)
        except PublishRefusedError:
            if number == _TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")


def _announced(
    store: SnapshotStore, collection: Collection, wanted: frozenset[str], clock: Clock, writer: str
) -> list[str]:
    got = store.manifest(None)
    if not isinstance(got, FetchedManifest):
        raise PublishRefusedError(f"there is no manifest of {collection} to announce deletions in")
    present = read_manifest(got.data, collection)
    if present.version == 0:
        return []
    retired_lists = RetiredLists(store)
    retired_lists.load(present.retired)
    orphans = sorted(wanted.difference(_named(present, retired_lists)))
    objects = [name for name in orphans if not is_list(name)]
    if objects:  # a list needs no announcement: a missing list counts as empty
        manifest = _announcing(present, retired_lists.put(objects), clock, writer)
        store.swap_manifest(manifest.to_json(), got.etag)
    return orphans


def _named(manifest: Manifest, retired_lists: RetiredLists) -> frozenset[str]:
    """Return the names that a version needs or has retired, and those of its lists."""
    lists = {entry.name for entry in manifest.retired}
    return manifest.objects.union(lists, *map(retired_lists.objects, manifest.retired))


def _announcing(previous: Manifest, lists: list[str], clock: Clock, writer: str) -> Manifest:
    now = clock.now()
    begun = tuple(Retired(name=name, since=now, deleting=now) for name in lists)
    update = {
        "format": FORMAT,
        "version": previous.version + 1,
        "published_at": now,
        "writer": writer,
        "retired": (*previous.retired, *begun),
    }
    return previous.model_copy(update=update)
