"""What is published now: the version of each collection's snapshot, or of its Chroma server."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from compactor.server.version import read_version
from compactor.snapshot.manifest import Manifest, lost_manifest, read_manifest
from compactor.snapshot.s3_store import S3SnapshotStore
from compactor.snapshot.store import FetchedManifest, SnapshotStore
from operations.connection import Connection
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection


@dataclass(frozen=True)
class Published:
    """One version. What only a snapshot has is 0 of a server: `size` is bytes, unpacked."""

    target: str
    version: int
    published_at: datetime | None
    writer: str | None
    records: int
    elements: int = 0
    """Of the vector index's graph: records, and what was deleted or replaced since it was made."""
    size: int = 0
    files: int = 0
    base_stored: int = 0
    packs: int = 0
    packs_stored: int = 0
    retired: int = 0

    def to_json(self) -> dict[str, Any]:
        at = self.published_at
        return {**asdict(self), "published_at": at.isoformat() if at else None}


@dataclass(frozen=True)
class Damaged:
    """A collection whose manifest can't be read, and why."""

    reason: str

    def to_json(self) -> dict[str, Any]:
        return {"damaged": self.reason}


Present = dict[Collection, Published | Damaged | None]
"""What is published of each collection; None before a first publish."""


def present_versions(connection: Connection) -> Present:
    """Return what is published of each collection: a damaged manifest hides no other."""
    return {
        collection: present_version(
            S3SnapshotStore(connection.s3, connection.names.bucket, collection), collection
        )
        for collection in Collection
    }


def present_version(store: SnapshotStore, collection: Collection) -> Published | Damaged | None:
    """Return what is published of one collection. Raises botocore's errors."""
    try:
        got = _manifest(store, collection)
        return published(got.data, collection) if got else None
    except SnapshotDamagedError as error:
        return Damaged(str(error))


def _manifest(store: SnapshotStore, collection: Collection) -> FetchedManifest | None:
    """Return the manifest; None before the first publish. Raises SnapshotDamagedError if lost."""
    got = store.manifest(None)
    if not isinstance(got, FetchedManifest) and store.holds_objects():
        # A manifest is there before the first object, so one may have come since the look.
        got = store.manifest(None)
        if not isinstance(got, FetchedManifest):
            raise lost_manifest(collection)
    return got if isinstance(got, FetchedManifest) else None


def published(data: bytes, collection: Collection) -> Published | None:
    """What a manifest of either kind says. Raises SnapshotDamagedError for anything else."""
    if not _is_of_a_server(data):
        manifest = read_manifest(data, collection)
        return of_snapshot(manifest) if manifest.version else None
    version = read_version(data, collection)
    if version.version == 0:  # claimed, and nothing published yet
        return None
    return Published(
        target=version.target,
        version=version.version,
        published_at=version.published_at,
        writer=version.writer,
        records=version.record_count,
    )


def of_snapshot(manifest: Manifest) -> Published:
    """What a snapshot's manifest says."""
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


def _is_of_a_server(data: bytes) -> bool:
    try:
        content = json.loads(data)
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("target") == "server"
