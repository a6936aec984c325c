"""Restore: publish an earlier version of a collection as the newest.

The restored version lacks what changed in the table since, so verify and repair afterwards. It also
lacks the vectors that were acknowledged since, so their deltas must be sent again.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from receipt_index.snapshot.copies.materialise import explained_damage, materialise
from receipt_index.snapshot.format.manifest import (
    FORMAT,
    Manifest,
    Restored,
    read_manifest,
    start_over,
)
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.retirement import being_deleted, retire
from receipt_index.snapshot.store.snapshot_store import FetchedManifest, SnapshotStore
from receipt_sync.clock import Clock
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError

_TRIES: Final = 20
"""Tries of a publish. A worker publishes a few times a second at most, and a try takes some
milliseconds.
"""


@dataclass(frozen=True)
class RestorePlan:
    """The versions of a restore: `chosen` is published again in place of `newest`.

    `highest` is the highest version number that any reader may have seen. The restored version gets
    a higher number, so that no reader takes it for an older version.
    """

    chosen: Manifest
    newest: Manifest
    highest: int


def check(store: SnapshotStore, plan: RestorePlan, folder: Path) -> None:
    """Fetch every object of the chosen version into the empty `folder`, and check it.

    Raises SnapshotDamagedError if an object is missing, damaged or being deleted.
    """
    _check_not_being_deleted(plan.chosen, plan.newest, RetiredLists(store))
    with explained_damage(plan.chosen, _remedy_of(plan.chosen)):
        materialise(plan.chosen, folder, store)


class Replacement(NamedTuple):
    """The version that a restore has published, and the one that it replaced.

    A worker may have published after the plan was made, so `replaced` may be newer than the plan's.
    """

    published: Manifest
    replaced: Manifest


def publish(store: SnapshotStore, plan: RestorePlan, clock: Clock, writer: str) -> Replacement:
    """Publish the chosen version again under a higher number, after `check` has passed.

    Workers and readers move to it. It also replaces what a worker publishes meanwhile. The present
    manifest may be damaged or missing. Raises SnapshotDamagedError if an object of the version is
    being deleted. Raises PublishRefusedError if other processes publish before every try.
    """
    for _ in range(_TRIES - 1):
        try:
            return _publish(store, plan, clock, writer)
        except PublishRefusedError:
            continue
    return _publish(store, plan, clock, writer)


def _publish(store: SnapshotStore, plan: RestorePlan, clock: Clock, writer: str) -> Replacement:
    retired_lists = RetiredLists(store)
    newest, etag = _present(store, plan.newest)
    _check_not_being_deleted(plan.chosen, newest, retired_lists)
    now = clock.now()
    again = plan.chosen.objects - newest.objects
    update = {
        "format": FORMAT,
        "version": max(newest.version, plan.highest) + 1,
        "published_at": now,
        "writer": writer,
        "restored": Restored(version=plan.chosen.version, at=now),
        "retired": retire(newest, plan.chosen.objects, again, now, retired_lists),
    }
    restored = plan.chosen.model_copy(update=update)
    store.swap_manifest(restored.to_json(), etag)
    return Replacement(restored, newest)


def _remedy_of(chosen: Manifest) -> str:
    """Return what to do if the chosen version is damaged. The newest one may be whole."""
    collection = chosen.collection
    return (
        f"Choose a version that `receipt-sync snapshot history {collection} --check` shows as "
        f"whole. If none is, {start_over(collection)}"
    )


def _check_not_being_deleted(
    chosen: Manifest, newest: Manifest, retired_lists: RetiredLists
) -> None:
    if not being_deleted(newest, retired_lists).isdisjoint(chosen.objects):
        raise SnapshotDamagedError(
            f"objects of version {chosen.version} of {chosen.collection} are being deleted: "
            "choose a later version"
        )


def _present(store: SnapshotStore, newest: Manifest) -> tuple[Manifest, str | None]:
    """Return the manifest to replace, and its tag.

    If the manifest is missing or can't be read, return `newest` instead.
    """
    got = store.manifest(None)
    if not isinstance(got, FetchedManifest):
        return newest, None
    try:
        return read_manifest(got.data, newest.collection), got.etag
    except SnapshotDamagedError:
        return newest, got.etag  # a damaged manifest is one reason for a restore
