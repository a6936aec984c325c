"""Opens every version that was published, compares its records and searches it."""

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from receipt_index.reader import Reader
from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_index.snapshot.store.snapshot_store import (
    Absent,
    FetchedManifest,
    NotModified,
    SnapshotStore,
)
from receipt_ops.connection import Connection
from receipt_ops.loading.embedding import embed
from receipt_ops.snapshots.history import ManifestHistory
from receipt_ops.snapshots.kept_versions import KeptVersion
from receipt_sync.errors import SyncError
from receipt_sync.keys import Collection
from tests.reliability.crashes.readers.decoder import Version
from tests.reliability.crashes.readers.plain import beside
from tests.reliability.crashes.searching import Plainly, searched

_SAMPLE: Final = 25
"""Number of records of a version whose vectors are read and searched for."""
_TOLERANCE: Final = 1e-5
"""Tolerance for the numbers of a vector in float32."""
_MOST_MISSED: Final = 0.9
"""The share of a version's searches that a sound graph may miss.

One in a hundred is usual. One in three occurred when Chroma replayed its log on one slow core. If
the files of a graph belong to two persists, nearly all searches miss, in plain chromadb as well.
"""

Advance = Callable[[], None]


class Timeline:
    """A SnapshotStore whose manifest is a version of the past. `kept` chooses the version."""

    def __init__(self, store: SnapshotStore) -> None:
        self._store = store
        self.kept: KeptVersion | None = None

    def manifest(self, known_etag: str | None) -> FetchedManifest | NotModified | Absent:
        if self.kept is None:
            return Absent()
        return FetchedManifest(self.kept.data, self.kept.version_id)

    def holds_objects(self) -> bool:
        return False

    def read(self, name: str, at_most: int) -> bytes:
        return self._store.read(name, at_most)

    def swap_manifest(self, data: bytes, expected_etag: str | None) -> str:
        raise AssertionError("the past is not published to")

    def write(self, name: str, data: bytes) -> None:
        raise AssertionError("the past is not written to")

    def delete(self, names: Iterable[str]) -> None:
        raise AssertionError("the past is not deleted from")


@dataclass
class Audit:
    """The number of opened versions and searches, and the faults of the versions.

    `graph_misses` counts the searches that miss their record in plain chromadb on the same bytes
    too.
    """

    versions: int = 0
    searches: int = 0
    graph_misses: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass
class Contents:
    """The faults of one version, and the results of its searches."""

    faults: list[str] = field(default_factory=list)
    searches: int = 0
    graph_misses: int = 0


def audit(connection: Connection, advance: Advance, seed: int) -> Audit:
    """Audit every version of both collections, oldest first."""
    found = Audit()
    for collection in Collection:
        history = list(ManifestHistory(connection.s3, connection.names.bucket, collection))
        _audit_collection(connection, collection, history[::-1], found, advance, Random(seed))
    return found


def published_versions(connection: Connection) -> int:
    """Return the number of manifests that the bucket keeps."""
    names = connection.names
    return sum(
        len(list(ManifestHistory(connection.s3, names.bucket, collection)))
        for collection in Collection
    )


def _audit_collection(
    connection: Connection,
    collection: Collection,
    history: list[KeptVersion],
    found: Audit,
    advance: Advance,
    randomness: Random,
) -> None:
    timeline = Timeline(S3SnapshotStore(connection.s3, connection.names.bucket, collection))
    with (
        tempfile.TemporaryDirectory(prefix="kills-audit-") as folder,
        SnapshotReader(timeline, collection, root := Path(folder) / "past") as reader,
    ):
        for expected, kept in enumerate(history):
            timeline.kept = kept
            found.versions += 1
            version = Version(kept.data, partial(_object, connection, collection))
            plainly = partial(beside, root, version, collection.value)
            seen = _looked_at(reader, kept.manifest, expected, randomness, plainly)
            found.searches += seen.searches
            found.graph_misses += seen.graph_misses
            found.faults += [f"version {expected} of {collection}: {each}" for each in seen.faults]
            advance()


def _object(connection: Connection, collection: Collection, name: str) -> bytes:
    """Read an object of a snapshot without the code under test."""
    key = f"snapshots/{collection}/{name}"
    data: bytes = connection.s3.get_object(Bucket=connection.names.bucket, Key=key)["Body"].read()
    return data


def _looked_at(
    reader: SnapshotReader,
    manifest: Manifest | None,
    expected: int,
    randomness: Random,
    plainly: Plainly,
) -> Contents:
    """Return the faults of a version: a gap before it, or files or records that cannot be read.

    A history begins with version 0, which a first publish writes before its objects. It has no
    files.
    """
    if manifest is None:
        return Contents(["its manifest can't be read"])
    if manifest.version != expected:
        return Contents([f"it calls itself {manifest.version}: an update of the manifest was lost"])
    if expected == 0:
        return Contents(["a version that can't have files has some"] if manifest.files else [])
    try:
        reader.refresh()
        return contents(reader, manifest, randomness, plainly)
    except SyncError as error:
        return Contents([f"{type(error).__name__}: {error}"])


def contents(reader: Reader, manifest: Manifest, randomness: Random, plainly: Plainly) -> Contents:
    """Compare and search the records of a version. The faults name ids, but no texts."""
    found = Contents()
    count, ids = reader.count(), list(reader.ids())
    if count != manifest.record_count:
        found.faults.append(f"{count} records, the manifest says {manifest.record_count}")
    if len(ids) != count:
        found.faults.append(f"{count} records are counted, {len(ids)} listed")
    sample = randomness.sample(ids, min(_SAMPLE, len(ids)))
    records, vectors = reader.get(sample), reader.vectors(sample)
    if len(vectors) != len(sample):
        found.faults.append("records without a vector")
    texts = [records[each].document or "" for each in vectors]
    wanted = dict(zip(vectors, embed(texts), strict=True))
    for chroma_id, vector in vectors.items():
        if not np.allclose(vector, wanted[chroma_id], atol=_TOLERANCE):
            found.faults.append(f"the vector of {chroma_id} is not that of its document")
    searches = searched(reader, wanted, plainly)
    found.faults += searches.faults
    found.searches, found.graph_misses = len(wanted), len(searches.graph_misses)
    if found.graph_misses > _MOST_MISSED * found.searches:
        found.faults.append(f"{found.graph_misses} of {found.searches} searches miss: a torn graph")
    return found
