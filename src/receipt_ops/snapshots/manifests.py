"""The published version of each collection, of its snapshot or of its Chroma server."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from receipt_index.server.version import read_version
from receipt_index.snapshot.format.bloat import is_due
from receipt_index.snapshot.format.manifest import Manifest, lost_manifest, read_manifest
from receipt_index.snapshot.store.snapshot_store import FetchedManifest, SnapshotStore
from receipt_ops.errors import OperationError
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection


class NoSnapshotsError(OperationError):
    """A Chroma server holds the collection, so there are no snapshots of it."""


@dataclass(frozen=True)
class Published:
    """Holds one published version.

    The fields from `elements` on belong to snapshots only, and are 0 for a server. `size` is in
    bytes before compression.
    """

    target: str
    version: int
    published_at: datetime | None
    writer: str | None
    records: int
    elements: int = 0
    """The elements of the graph of the vector index.

    They include elements that were deleted or replaced after the graph was built.
    """
    size: int = 0
    files: int = 0
    base_stored: int = 0
    packs: int = 0
    packs_stored: int = 0
    retired: int = 0

    def to_json(self) -> dict[str, Any]:
        at, share = self.published_at, self.elements_a_record
        return {
            **asdict(self),
            "published_at": at.isoformat() if at else None,
            "elements_a_record": None if share is None else round(share, 2),
            "rebuild_due": self.rebuild_due,
        }

    @property
    def elements_a_record(self) -> float | None:
        """Return the elements for each record; None if there is no graph or no record."""
        return self.elements / self.records if self.elements and self.records else None

    @property
    def rebuild_due(self) -> bool:
        """Return whether a new index of the same records is due."""
        return is_due(self.elements, self.records)


@dataclass(frozen=True)
class Damaged:
    """Holds why a collection's manifest cannot be read."""

    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"damaged": self.reason}


Present = dict[Collection, Published | Damaged | None]
"""The published version of each collection; None before the first publish."""


def present_version(store: SnapshotStore, collection: Collection) -> Published | Damaged | None:
    """Return the published version of one collection; None before the first publish.

    Raises the errors of botocore.
    """
    try:
        got = _manifest(store, collection)
        return published(got.data, collection) if got else None
    except SnapshotDamagedError as error:
        return Damaged(str(error))


def _manifest(store: SnapshotStore, collection: Collection) -> FetchedManifest | None:
    """Return the manifest; None before the first publish. Raises SnapshotDamagedError if lost."""
    got = store.manifest(None)
    if not isinstance(got, FetchedManifest) and store.holds_objects():
        # A manifest exists before the first object, so one may have appeared after the first read.
        got = store.manifest(None)
        if not isinstance(got, FetchedManifest):
            raise lost_manifest(collection)
    return got if isinstance(got, FetchedManifest) else None


def published(data: bytes, collection: Collection) -> Published | None:
    """Return the version that a manifest of either kind describes; None before the first publish.

    Raises SnapshotDamagedError for any other content.
    """
    if not _is_of_a_server(data):
        manifest = read_manifest(data, collection)
        return of_snapshot(manifest) if manifest.version else None
    version = read_version(data, collection)
    if version.version == 0:  # A compactor has claimed the server, but not published to it yet.
        return None
    return Published(
        target=version.target,
        version=version.version,
        published_at=version.published_at,
        writer=version.writer,
        records=version.record_count,
    )


def of_snapshot(manifest: Manifest) -> Published:
    """Return the version that a snapshot's manifest describes."""
    return Published(
        target="snapshot",
        version=manifest.version,
        published_at=manifest.published_at,
        writer=manifest.writer,
        records=manifest.record_count,
        elements=manifest.elements,
        size=sum(manifest.files.values()),
        files=len(manifest.files),
        base_stored=manifest.base_size,
        packs=len(manifest.packs),
        packs_stored=manifest.packs_size,
        retired=len(manifest.retired),
    )


def check_has_snapshots(store: SnapshotStore, collection: Collection) -> None:
    """Raise NoSnapshotsError if a Chroma server holds the collection.

    Its manifest names no objects, so it has no versions to list, check or clean up.
    """
    got = store.manifest(None)
    if isinstance(got, FetchedManifest) and _is_of_a_server(got.data):
        raise NoSnapshotsError(
            f"a Chroma server holds {collection}, and a server has no snapshots: see its present "
            "version with `receipt-sync snapshot show`"
        )


def _is_of_a_server(data: bytes) -> bool:
    try:
        content = from_json(data)  # Python's json exceeds its stack if the content is nested.
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("target") == "server"
