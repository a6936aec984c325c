"""Makes an earlier version of a collection the newest.

What changed in the table since that version is not in it: verify and repair afterwards.
"""

from collections.abc import Sequence
from pathlib import Path

from compactor.snapshot.manifest import FORMAT, Manifest, Restored, read_manifest
from compactor.snapshot.materialise import materialise, way_back
from compactor.snapshot.retirement import condemned, retire
from compactor.snapshot.shelf import Shelf
from compactor.snapshot.store import FetchedManifest, SnapshotStore
from receipt_sync.clock import Clock
from receipt_sync.errors import PermanentError, PublishRefusedError, SnapshotDamagedError


class NoSuchVersionError(PermanentError):
    """No readable manifest of that version is kept."""


def restore(
    store: SnapshotStore,
    history: Sequence[Manifest],
    version: int,
    folder: Path,
    clock: Clock,
    writer: str,
) -> Manifest:
    """Publish `version` anew under a higher number, so that workers and readers move on to it.

    `history` is every readable manifest that the bucket keeps, the newest first; the present one
    may be damaged or gone. Every object of the version is fetched into the empty `folder` and
    checked before anything is published. Raises NoSuchVersionError; SnapshotDamagedError if an
    object is gone or damaged; PublishRefusedError if another version was published meanwhile.
    """
    chosen = _chosen(history, version)
    newest, shelf = history[0], Shelf(store)
    if not condemned(newest, shelf).isdisjoint(chosen.objects):
        raise SnapshotDamagedError(
            f"objects of version {version} of {chosen.collection} are being deleted: "
            "choose a later version"
        )
    etag = _present_etag(store, newest)
    with way_back(chosen.collection, chosen):
        materialise(chosen, folder, store)
    now = clock.now()
    update = {
        "format": FORMAT,
        "version": max(manifest.version for manifest in history) + 1,
        "published_at": now,
        "writer": writer,
        "restored": Restored(version=version, at=now),
        "retired": retire(newest, chosen.objects, chosen.objects - newest.objects, now, shelf),
    }
    restored = chosen.model_copy(update=update)
    store.swap_manifest(restored.to_json(), etag)
    return restored


def _chosen(history: Sequence[Manifest], version: int) -> Manifest:
    for manifest in history:
        if manifest.version == version:
            return manifest
    kept = sorted({manifest.version for manifest in history})
    known = f"{kept[0]} to {kept[-1]} are" if kept else "none is"
    raise NoSuchVersionError(f"version {version} is not kept: of the versions {known} readable")


def _present_etag(store: SnapshotStore, newest: Manifest) -> str | None:
    """The tag of the manifest to replace: the newest readable one, or one that can't be read."""
    got = store.manifest(None)
    if not isinstance(got, FetchedManifest):
        return None
    try:
        present = read_manifest(got.data, newest.collection)
    except SnapshotDamagedError:
        return got.etag  # this is why somebody restores
    if present.version != newest.version:
        raise PublishRefusedError(
            f"version {present.version} of {newest.collection} was published meanwhile: try again"
        )
    return got.etag
