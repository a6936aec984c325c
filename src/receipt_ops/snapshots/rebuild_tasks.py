"""The rebuild of a collection's index from this machine, under the lease of the compactor."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import SystemRandom
from typing import Any, Final
from uuid import uuid4

from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from compactor.locking.heartbeat import ThreadHeartbeat
from compactor.locking.lease import Lease, LeaseTerms
from compactor.locking.lock_table import lock_id_of
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.snapshot.copies.progress import OnProgress
from receipt_index.snapshot.copies.rebuilding import RebuildSettings
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.parts import number_of
from receipt_ops.errors import OperationError
from receipt_ops.scratch import scratch
from receipt_ops.snapshots.manifests import Damaged, Published, check_has_snapshots, present_version
from receipt_ops.snapshots.wiring import store_of
from receipt_sync.clock import Clock
from receipt_sync.deadline import Deadline
from receipt_sync.defaults import LEASE_SECONDS, RETENTION_SECONDS
from receipt_sync.errors import LeaseUnavailableError, SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.null_telemetry import NullTelemetry

REBUILDER: Final = "receipt-sync snapshot rebuild"
PATIENCE_SECONDS: Final = 120.0
"""The time limit for the lease. The compactor releases it after each cycle."""
_COPIES: Final = 4
"""Copies on the disk: the version, the copy that Chroma opens, the new generation, and its base."""


class RebuildRefusedError(OperationError):
    """A rebuild can't begin. The text says why."""


@dataclass(frozen=True)
class IndexRebuilt:
    """Holds the version before a rebuild and the version after it. A dry run has no second one."""

    before: Published
    after: Published | None

    def to_json(self) -> dict[str, Any]:
        return {
            "before": _figures(self.before),
            "after": _figures(self.after) if self.after else None,
            "dry_run": self.after is None,
        }


class IndexRebuild:
    """Rebuilds the index of one collection, and publishes it as the newest version."""

    def __init__(self, connection: Connection, collection: Collection, clock: Clock) -> None:
        self._connection, self._collection, self._clock = connection, collection, clock
        self._store = store_of(connection, collection)
        self._deployment = Deployment(connection)

    def run(self, on_progress: OnProgress, *, dry_run: bool) -> IndexRebuilt:
        """Make the checks, and rebuild unless it is a dry run. A dry run takes no lease.

        Raises NoSnapshotsError, RebuildRefusedError, SnapshotDamagedError, IndexFailedError,
        ReadBackError and PublishRefusedError. After an error, the published version stands.
        """
        check_has_snapshots(self._store, self._collection)
        settings = self._settings(on_progress)
        lease = self._lease()
        with scratch() as folder:
            self._check_disk(self._present(), folder)
            copy = WorkingCopy(
                self._store, self._collection, folder, open_exact_chroma, self._clock, settings
            )
            try:
                if dry_run:
                    copy.checkout()
                    return IndexRebuilt(self._present(), None)
                with self._held(lease):
                    return self._rebuilt(copy)
            finally:
                copy.close()

    def _rebuilt(self, copy: WorkingCopy) -> IndexRebuilt:
        index = copy.checkout()
        before = self._present()  # The last record may have gone while the lease was awaited.
        copy.publish(index.count())
        return IndexRebuilt(before, self._present())

    def _present(self) -> Published:
        """Return the published version. Raises RebuildRefusedError if it has no record."""
        present = present_version(self._store, self._collection)
        if isinstance(present, Damaged):
            raise SnapshotDamagedError(present.reason)
        if present is None or not present.records:
            raise RebuildRefusedError(
                f"{self._collection} has no published record, so there is nothing to rebuild"
            )
        return present

    def _check_disk(self, present: Published, folder: Path) -> None:
        needed, free = _COPIES * present.size, shutil.disk_usage(folder).free
        if free < needed:
            raise RebuildRefusedError(
                f"a rebuild of {self._collection} needs {needed:,} bytes in {folder.parent}, which "
                f"has {free:,}: set TMPDIR to a folder on a larger disk"
            )

    @contextmanager
    def _held(self, lease: Lease) -> Iterator[None]:
        """Hold the lease for a block. Raises RebuildRefusedError if it is not free in time."""
        with ExitStack() as stack:
            try:
                stack.enter_context(lease.held(Deadline(self._clock, PATIENCE_SECONDS)))
            except LeaseUnavailableError as error:
                raise RebuildRefusedError(
                    f"the lease of {self._collection} was not free within "
                    f"{PATIENCE_SECONDS:.0f} s: run the command again, or see its holder with "
                    "`receipt-sync lock show`"
                ) from error
            yield

    def _settings(self, on_progress: OnProgress) -> CopySettings:
        variables = self._deployment.compactor.variables
        retention = number_of(variables, "SNAPSHOT_RETENTION_SECONDS", RETENTION_SECONDS)
        return CopySettings(
            REBUILDER,
            timedelta(seconds=retention),
            rebuild=RebuildSettings(forced=True, on_progress=on_progress),
        )

    def _lease(self) -> Lease:
        deployment, telemetry = self._deployment, NullTelemetry()
        seconds = number_of(deployment.compactor.variables, "LEASE_SECONDS", LEASE_SECONDS)
        return Lease(
            DynamoDBLockTable(self._connection.dynamodb, self._connection.names.table),
            LeaseTerms(
                lock_id_of(deployment.lock_id, self._collection),
                f"{REBUILDER} {uuid4()}",
                timedelta(seconds=seconds),
            ),
            ThreadHeartbeat(deployment.heartbeat.total_seconds(), telemetry),
            self._clock,
            SystemRandom(),
            telemetry,
        )


def _figures(version: Published) -> dict[str, Any]:
    kept = ("version", "records", "elements", "size", "base_stored", "packs")
    return {name: value for name, value in asdict(version).items() if name in kept}
