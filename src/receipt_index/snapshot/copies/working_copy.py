"""The copy of a snapshot that a worker writes to and publishes as the next version (I4, I6)."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from receipt_index.records import Index
from receipt_index.snapshot.copies.base import names_of_base, write_base
from receipt_index.snapshot.copies.derived import derive
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.copies.progress import OnProgress, ignore_progress
from receipt_index.snapshot.copies.rebasing import Room, lacking, without_limit
from receipt_index.snapshot.copies.rebuilding import (
    OpenIndex,
    Present,
    Rebuilding,
    RebuildSettings,
    Rebuilt,
    replace_files,
)
from receipt_index.snapshot.copies.synchronise import difference, mark_all_equal, synchronise
from receipt_index.snapshot.format.compression import digest_of
from receipt_index.snapshot.format.manifest import (
    FORMAT,
    Manifest,
    PackReference,
    lost_manifest,
    pack_name,
)
from receipt_index.snapshot.format.manifest import MAX_PACKS as MOST_PACKS
from receipt_index.snapshot.format.pack import MAX_PACK_PAGES, build_pack
from receipt_index.snapshot.format.pages import check_sizes, list_files
from receipt_index.snapshot.store.leftovers import Leftovers
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.retirement import being_deleted, deletable, retire, split_expired
from receipt_index.snapshot.store.snapshot_store import SnapshotStore
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    IndexFailedError,
    IndexUnavailableError,
    ObjectsNotDeletedError,
    PublishRefusedError,
    SyncError,
)
from receipt_sync.keys import Collection

REBASE_SHARE: Final = 0.5
"""Share of the base's size that packs may reach before a new base is written."""
REBASE_FLOOR: Final = 64 * 2**20
"""Bytes of packs below which no new base is written. Without this floor, a small snapshot would be
rebased again and again.
"""
MAX_PACKS: Final = 200
"""Number of packs at which a new base is due. Without room for a base, packs may grow to the
format's limit, MOST_PACKS. Then a new base is written with or without room, because no version can
name another pack.
"""


@dataclass(frozen=True)
class Published:
    """The result of a publish: the new version, and the bytes uploaded besides the manifest."""

    version: int
    uploaded: int
    postponed: str | None = None
    """Why a new base that is due has to wait."""
    undeleted: str | None = None
    """Why expired objects were not deleted after the publish."""
    abandoned: str | None = None
    """Why the copy can't continue from the version that it has published."""
    rebuilt: Rebuilt | None = None
    """The new generation, if the version has one."""
    rebuild_postponed: str | None = None
    """Why a new generation that is due has to wait."""


@dataclass(frozen=True)
class CopySettings:
    """The writer's name, the retention of retired objects, the free memory, and the rebuilds."""

    writer: str
    retention: timedelta
    free_memory: Callable[[], int] = without_limit
    """Returns the bytes that the process may still allocate."""
    rebuild: RebuildSettings = field(default_factory=RebuildSettings)


class WorkingCopy:
    """A copy that can be checked out, marked dirty, published and discarded.

    Only one thread of one process may use it at a time.
    """

    def __init__(
        self,
        store: SnapshotStore,
        collection: Collection,
        folder: Path,
        open_index: OpenIndex,
        clock: Clock,
        settings: CopySettings,
        on_progress: OnProgress = ignore_progress,
    ) -> None:
        self._store, self._collection, self._clock = store, collection, clock
        self._open_index, self._settings = open_index, settings
        self._mirror = Mirror(store, collection, folder / "mirror", clock, on_progress, room=folder)
        self._retired_lists, self._leftovers = RetiredLists(store), Leftovers(store)
        self._folder = folder / "working"
        self._rebuilding = Rebuilding(
            collection, folder / "generation", open_index, clock, settings.rebuild
        )
        self._index: Index | None = None
        self._dirty = False
        self._deadline: Deadline | None = None

    @property
    def version(self) -> int:
        """Return the version that is checked out; 0 while nothing is published."""
        return self._mirror.version

    def checkout(self, deadline: Deadline | None = None) -> Index:
        """Return the collection as it is published now. A dirty copy is discarded first.

        `deadline` limits the next publish. None sets no limit.
        Raises SnapshotDamagedError if the published version can't be read.
        """
        self._deadline = deadline
        if self._dirty:
            self.discard()
        moved = self._refresh()
        if moved or self._index is None:
            self.close()
            self._folder.mkdir(parents=True, exist_ok=True)
            synchronise(self._mirror.folder, self._folder)
            self._index = self._open_index(self._folder, self._collection)
        return self._index

    def mark_dirty(self) -> None:
        """Mark the copy as dirty. Call this before the first write to the index."""
        self._dirty = True

    def discard(self) -> None:
        """Delete the files. The next checkout copies them again from the mirror."""
        self._dirty = True
        self.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._dirty = False

    def publish(self, record_count: int | None) -> Published:
        """Publish the copy as the next version if the version checked out is still the newest.

        A new generation is published in its place if one is due, as a new base.
        `record_count` None keeps the count of the version before. Raises PublishRefusedError if
        another version was published. The caller must discard the copy after any error.
        """
        self._dirty = True
        manifest = self._mirror.manifest
        rebuilt, postponed = self._rebuild(manifest, record_count) if manifest else (None, None)
        self._check_idle()
        check_sizes(self._folder)
        if rebuilt:
            derive(self._index, self._deadline, whole=True)
        if rebuilt and not self._needs_deleted(manifest):
            published = self._publish_base(manifest, record_count)
        else:
            published = self._publish(manifest, record_count)
        return replace(published, rebuilt=rebuilt, rebuild_postponed=postponed)

    def close(self) -> None:
        """Close the index. The files stay."""
        index, self._index = self._index, None
        if index is not None:
            index.close()

    def _rebuild(
        self, manifest: Manifest, record_count: int | None
    ) -> tuple[Rebuilt | None, str | None]:
        """Replace the copy's files by a new generation if one is due and there is room."""
        if self._index is None:
            return None, None
        present = Present(
            self._index,
            self._folder,
            manifest.record_count if record_count is None else record_count,
            Room(self._deadline, self._settings.free_memory),
            lambda: being_deleted(manifest, self._retired_lists),
        )
        attempt = self._rebuilding.attempt(present)
        if attempt.made:
            self._move_to_the_generation()
        return attempt

    def _move_to_the_generation(self) -> None:
        """Open the new generation in place of the present one.

        A failure becomes IndexUnavailableError, because no message is its cause.
        """
        try:
            self.close()
            replace_files(self._rebuilding.folder, self._folder)
            self._index = self._open_index(self._folder, self._collection)
        except IndexFailedError as error:
            raise IndexUnavailableError(str(error)) from error

    def _refresh(self) -> bool:
        """Return whether the mirror moved. Raises SnapshotDamagedError if the manifest is lost."""
        moved = self._mirror.refresh()
        if self._mirror.manifest is None and self._store.holds_objects():
            # The manifest is written before the first object, so it may exist by now.
            moved = self._mirror.refresh()
            if self._mirror.manifest is None:
                raise lost_manifest(self._collection)
        return moved

    def _begin(self) -> str:
        """Publish version 0 before the first object is stored, and return its tag."""
        begun = Manifest.begun(self._collection, self._clock.now(), self._settings.writer)
        return self._store.swap_manifest(begun.to_json(), None)

    def _check_idle(self) -> None:
        """Raise IndexFailedError if a journal beside the database shows an open transaction."""
        for name in list_files(self._folder):
            if name.endswith(("-journal", "-wal")):
                raise IndexFailedError(f"Chroma is not idle: {name} exists")

    def _publish(self, manifest: Manifest | None, record_count: int | None) -> Published:
        if manifest is None or not manifest.base or len(manifest.packs) >= MOST_PACKS:
            return self._publish_base(manifest, record_count)
        postponed = None
        if _outgrown(manifest):
            derive(self._index, self._deadline, whole=True)
            postponed = self._postponed(manifest)
            if postponed is None:
                return self._publish_base(manifest, record_count)
        return replace(self._publish_pack(manifest, record_count), postponed=postponed)

    def _postponed(self, manifest: Manifest) -> str | None:
        """Return why a base has to wait: it lacks room, or needs objects that are being deleted."""
        lacks = lacking(self._folder, Room(self._deadline, self._settings.free_memory))
        if lacks is not None:
            return lacks
        if self._needs_deleted(manifest):
            return "a new base needs objects that are being deleted"
        return None

    def _needs_deleted(self, manifest: Manifest | None) -> bool:
        """Return whether a base of the present files needs objects that are being deleted.

        Opening a collection changes its files, and derived files are among them. So ask after the
        collection is open and its derived files are made. A pack can replace the base, because no
        other pack has its name.
        """
        names = being_deleted(manifest, self._retired_lists) if manifest else frozenset()
        return bool(names) and not names.isdisjoint(names_of_base(self._folder))

    def _publish_pack(self, previous: Manifest, record_count: int | None) -> Published:
        derive(self._index, self._deadline, whole=False)
        changed, removed = difference(self._mirror.folder, self._folder)
        if sum(map(len, changed.values())) > MAX_PACK_PAGES:
            return self._publish_base(previous, record_count)
        packs, pack = previous.packs, None
        if changed or removed:
            pack = build_pack(self._folder, changed, removed, previous.version + 1)
            digest = digest_of(pack)
            self._store.write(pack_name(digest), pack)
            packs = (*packs, PackReference(digest=digest, size=len(pack)))
        manifest, expired = self._next(
            previous.model_copy(update={"packs": packs}), previous, record_count
        )
        etag = self._store.swap_manifest(manifest.to_json(), self._mirror.etag)
        return self._after(manifest, etag, pack, len(pack or b""), expired)

    def _publish_base(self, previous: Manifest | None, record_count: int | None) -> Published:
        derive(self._index, self._deadline, whole=True)
        expected = self._mirror.stage(self._folder)
        if previous is None:
            expected = self._begin()
        known = previous.objects if previous else frozenset()
        base = write_base(self._mirror.folder, self._store)
        draft = Manifest(
            collection=self._collection,
            version=1,
            base=base.files,
            base_size=base.stored,
            files={},
            record_count=0,
            published_at=self._clock.now(),
            writer=self._settings.writer,
        )
        again = draft.objects - known if previous else frozenset()
        manifest, expired = self._next(draft, previous, record_count, again)
        etag = self._store.swap_manifest(manifest.to_json(), expected)
        return self._after(manifest, etag, None, base.stored, expired)

    def _after(
        self, manifest: Manifest, etag: str, pack: bytes | None, uploaded: int, expired: list[str]
    ) -> Published:
        """Return the result of the publish.

        The version is already published, so nothing here may raise an error.
        """
        abandoned, undeleted = None, None
        try:
            self._mirror.accept(manifest, etag, pack)
            mark_all_equal(self._mirror.folder, self._folder)
            self._dirty = False
        except (OSError, SyncError) as error:  # still dirty: the next checkout discards the copy
            abandoned = type(error).__name__
        try:
            self._leftovers.delete(expired, self._clock.now())
        except ObjectsNotDeletedError as error:
            undeleted = str(error)
        return Published(manifest.version, uploaded, undeleted=undeleted, abandoned=abandoned)

    def _next(
        self,
        draft: Manifest,
        previous: Manifest | None,
        record_count: int | None,
        again: frozenset[str] = frozenset(),
    ) -> tuple[Manifest, list[str]]:
        """Return the version to publish, and the names to delete after that.

        `again` are the objects that `previous` did without and that an earlier version may have
        retired.
        """
        now = self._clock.now()
        if (
            previous
            and again
            and not being_deleted(previous, self._retired_lists).isdisjoint(again)
        ):
            raise PublishRefusedError(
                f"version {previous.version + 1} of {self._collection} needs an object again that "
                "is being deleted: its messages return to the queue until it is deleted"
            )
        retired = (
            retire(previous, draft.objects, again, now, self._retired_lists) if previous else ()
        )
        expiry = split_expired(retired, now, self._settings.retention)
        before = previous.record_count if previous else 0
        update = {
            "format": FORMAT,
            "version": (previous.version if previous else 0) + 1,
            "files": {n: p.stat().st_size for n, p in list_files(self._folder).items()},
            "record_count": before if record_count is None else record_count,
            "published_at": now,
            "writer": self._settings.writer,
            "retired": expiry.kept,
            "restored": previous.restored if previous else None,
        }
        deleted = deletable(expiry, draft.objects, self._retired_lists)
        self._retired_lists.keep_only(expiry.kept)
        return draft.model_copy(update=update), deleted


def _outgrown(manifest: Manifest) -> bool:
    limit = max(REBASE_FLOOR, REBASE_SHARE * manifest.base_size)
    return manifest.packs_size > limit or len(manifest.packs) >= MAX_PACKS
