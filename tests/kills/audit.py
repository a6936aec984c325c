"""Opens every version that was ever published, counts it and searches it."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import numpy as np

from compactor.snapshot.manifest import Manifest
from compactor.snapshot.reader import SnapshotReader
from compactor.snapshot.s3_store import S3SnapshotStore
from compactor.snapshot.store import Absent, FetchedManifest, NotModified, SnapshotStore
from operations.connection import Connection
from operations.embedding import embed
from operations.readers import Reader
from operations.snapshots.history import KeptVersion, ManifestHistory
from receipt_sync.errors import SyncError
from receipt_sync.keys import Collection

_SAMPLE: Final = 25
"""Records of a version whose vectors are read and searched for."""
_TOLERANCE: Final = 1e-5
"""Of a vector's numbers and of a cosine distance, in float32."""

Advance = Callable[[], None]


class Timeline:
    """A SnapshotStore whose manifest is a version of the past; the next one on demand."""

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
    """How many versions were opened, and what is wrong with which."""

    versions: int = 0
    faults: list[str] = field(default_factory=list)


def audit(connection: Connection, advance: Advance, seed: int) -> Audit:
    """Every version of both collections, the oldest first."""
    found = Audit()
    for collection in Collection:
        history = list(ManifestHistory(connection.s3, connection.names.bucket, collection))
        _audit_collection(connection, collection, history[::-1], found, advance, Random(seed))
    return found


def published_versions(connection: Connection) -> int:
    """How many manifests the bucket keeps."""
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
        SnapshotReader(timeline, collection, Path(folder) / "past") as reader,
    ):
        for expected, kept in enumerate(history):
            timeline.kept = kept
            found.versions += 1
            for fault in _faults(reader, kept.manifest, expected, randomness):
                found.faults.append(f"version {expected} of {collection}: {fault}")
            advance()


def _faults(
    reader: SnapshotReader, manifest: Manifest | None, expected: int, randomness: Random
) -> list[str]:
    """What is wrong with a version: a gap before it, files or records that can't be read.

    A history begins with version 0, which a first publish writes before its objects: it has none.
    """
    if manifest is None:
        return ["its manifest can't be read"]
    if manifest.version != expected:
        return [f"it calls itself {manifest.version}: an update of the manifest was lost"]
    if expected == 0:
        return [] if not manifest.files else ["a version that can't have files has some"]
    try:
        reader.refresh()
        return list(contents(reader, manifest, randomness))
    except SyncError as error:
        return [f"{type(error).__name__}: {error}"]


def contents(reader: Reader, manifest: Manifest, randomness: Random) -> Iterator[str]:
    """What is wrong with the records of a version. Ids are named, texts are not."""
    count = reader.count()
    if count != manifest.record_count:
        yield f"{count} records, the manifest says {manifest.record_count}"
    ids = list(reader.ids())
    if len(ids) != count:
        yield f"{count} records are counted, {len(ids)} listed"
    sample = randomness.sample(ids, min(_SAMPLE, len(ids)))
    records, vectors = reader.get(sample), reader.vectors(sample)
    if len(vectors) != len(sample):
        yield "records without a vector"
    texts = [records[each].document or "" for each in vectors]
    for (chroma_id, vector), wanted in zip(vectors.items(), embed(texts), strict=True):
        if not np.allclose(vector, wanted, atol=_TOLERANCE):
            yield f"the vector of {chroma_id} is not that of its document"
        (nearest, *_) = [*reader.search(wanted, 1), None]
        if nearest is None or nearest.distance > _TOLERANCE:
            yield f"a search for the vector of {chroma_id} finds nothing at distance 0"
