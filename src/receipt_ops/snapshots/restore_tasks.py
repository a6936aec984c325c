"""The restore of an earlier version of a collection, without the loss of later vectors.

Only a version and a delta hold a vector. So the restore sends the deltas again that the version may
lack. These are the deltas that are newer than the version. They also include deltas that are older
by less than the queue's retention, because their messages may have waited that long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from receipt_index.chroma import ChromaIndex
from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.restore import RestorePlan, check, publish
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_index.snapshot.store.snapshot_store import FetchedManifest
from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.parts import NotDeployedError
from receipt_ops.deployment.pausing import paused
from receipt_ops.errors import HalfDoneError
from receipt_ops.repair.delta_objects import S3DeltaObjects
from receipt_ops.repair.dimension_choice import ChooseDimension, only_dimension_of_restore
from receipt_ops.repair.wiring import deltas_of
from receipt_ops.scratch import scratch
from receipt_ops.snapshots.finding import Found, find_version, newest_readable
from receipt_ops.snapshots.garbage import stored_objects
from receipt_ops.snapshots.history import ManifestHistory
from receipt_ops.snapshots.objects import Soundness, missing
from receipt_ops.snapshots.resending import Resending
from receipt_ops.snapshots.restored import Restored
from receipt_ops.snapshots.retention import delta_retention
from receipt_ops.terminal.failures import reason_of
from receipt_sync.clock import Clock
from receipt_sync.errors import IndexFailedError, SnapshotDamagedError
from receipt_sync.keys import Collection

RESTORER = "receipt-sync snapshot restore"


class Restoration:
    """Restores a version of one collection. It makes every check before it writes anything."""

    def __init__(
        self,
        connection: Connection,
        collection: Collection,
        clock: Clock,
        choose: ChooseDimension = only_dimension_of_restore,
    ) -> None:
        self._connection, self._collection, self._clock = connection, collection, clock
        self._choose = choose
        bucket = connection.names.bucket
        self._store = S3SnapshotStore(connection.s3, bucket, collection)
        self._history = ManifestHistory(connection.s3, bucket, collection)
        self._deployment = Deployment(connection)

    def find(self, version: int) -> RestorePlan:
        """Return the version to restore and the versions that it replaces.

        Raises NothingKeptError.
        """
        return RestorePlan(*find_version(self._history, version))

    def find_newest_readable(self) -> RestorePlan | None:
        """Return a plan for the newest version that can be read; None if it is the published one.

        The function fetches and checks objects, and opens the first version whose objects are
        whole. Raises NothingKeptError.
        """
        bucket = self._connection.names.bucket
        stored = stored_objects(self._connection.s3, bucket, self._collection)
        sizes = {one.name: one.size for one in stored}
        soundness = Soundness(self._store)

        def is_readable(found: Found) -> bool:
            is_whole = not missing(found.chosen, sizes) and not soundness.damaged(found.chosen)
            return is_whole and self._opens(RestorePlan(*found))

        got = self._store.manifest(None)
        published = got.data if isinstance(got, FetchedManifest) else None
        found = newest_readable(self._history, published, is_readable)
        return RestorePlan(*found) if found else None

    def run(self, plan: RestorePlan, *, dry_run: bool) -> Restored:
        """Check every object, publish, and send the deltas again. A dry run checks and counts only.

        The function switches the queue's event source mappings off meanwhile, and on afterwards.
        Raises SnapshotDamagedError, IndexFailedError, PublishRefusedError and MappingStuckError.
        Raises AmbiguousDimensionError if nothing tells the dimension of the later vectors.
        Raises HalfDoneError for a failure after the publish.
        """
        since = plan.chosen.published_at - self._queue_retention()
        kept_for = delta_retention(self._connection.s3, self._connection.names.bucket)
        resending = self._resending(self._dimension(plan))
        resending.choose_dimension(since, self._choose)
        if dry_run:
            resent = resending.run(since, dry_run=True)
            return Restored(plan, None, resent, kept_for, self._clock.now())
        published: Manifest | None = None
        try:
            with self._paused():
                published, replaced = publish(self._store, plan, self._clock, RESTORER)
                resent = resending.run(since, dry_run=False)
        except Exception as error:
            if published is None:
                raise
            raise HalfDoneError(
                _half_done(published, reason_of(error, self._connection))
            ) from error
        done = replace(plan, newest=replaced)
        return Restored(done, published.version, resent, kept_for, self._clock.now())

    def _opens(self, plan: RestorePlan) -> bool:
        try:
            self._checked(plan)
        except (SnapshotDamagedError, IndexFailedError):
            return False  # An earlier version may be readable.
        return True

    def _dimension(self, plan: RestorePlan) -> int | None:
        """Check the version, and return its dimension.

        A version that never held a vector takes that of the published version. Return None if that
        can't be read, or never held one either.
        """
        dimension = self._checked(plan)
        if dimension is not None:
            return dimension
        try:
            return self._checked(replace(plan, chosen=plan.newest))
        except (SnapshotDamagedError, IndexFailedError):
            return None  # A damaged version is a reason for a restore.

    def _checked(self, plan: RestorePlan) -> int | None:
        """Fetch every object of the version, open it, and return its dimension."""
        with scratch() as folder:
            check(self._store, plan, folder)
            index = ChromaIndex(folder, self._collection)
            try:
                return index.dimension()
            finally:
                index.close()

    def _resending(self, dimension: int | None) -> Resending:
        objects = S3DeltaObjects(self._connection.s3, self._connection.names.bucket)
        return Resending(objects, deltas_of(self._connection), self._collection, dimension)

    def _queue_retention(self) -> timedelta:
        attributes = self._deployment.queue_attributes
        return timedelta(seconds=int(attributes["MessageRetentionPeriod"]))

    @contextmanager
    def _paused(self) -> Iterator[None]:
        try:
            mappings = self._deployment.queue_mappings
        except NotDeployedError:  # No function is deployed, so there is no mapping to switch off.
            yield
            return
        with paused(self._connection.lambda_, mappings, self._clock):
            yield


def _half_done(published: Manifest, reason: str) -> str:
    return (
        f"{published.collection} is restored and published as version {published.version}, but "
        f"the command did not send every later delta again: {reason}. Repair that cause, check "
        "with `receipt-sync flags show` that the queue is on, then run `receipt-sync repair "
        "--wait 120`, which sends the missing deltas"
    )
