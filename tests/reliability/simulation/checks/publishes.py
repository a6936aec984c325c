"""Checks that every version is complete, follows the one before, and never shows an older truth."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from receipt_index.server.version import ServerVersion
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.format.manifest import Manifest
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.reliability.simulation.checks import model
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.checks.derived import fault_of
from tests.reliability.simulation.checks.direct_store import DirectStore
from tests.reliability.simulation.checks.past import Past
from tests.reliability.simulation.environment.deltas import Sent
from tests.reliability.simulation.environment.paged_index import TornError, read_content
from tests.reliability.simulation.environment.s3 import ObjectStore
from tests.reliability.simulation.environment.scheduler import Scheduler
from tests.reliability.simulation.environment.server import ChromaServer

RESTORER: Final = "receipt-sync snapshot restore"
"""The writer of a restored version."""
Record = tuple[dict[str, Any], str | None, bytes]
Records = dict[str, Record]
"""Metadata, document and vector by id."""


@dataclass
class Published:
    """The last version of a collection, and all versions before it."""

    version: int
    records: Records
    versions: dict[int, Records]


class OnServer(Published):
    """The last version of a collection on a server.

    Its records are the current ones of the server.
    """

    def __init__(self, server: ChromaServer, collection: Collection) -> None:
        self.version, self.versions = 0, {}
        self._server, self._collection = server, collection

    @property
    def records(self) -> Records:  # type: ignore[override]
        return self._server.records(self._collection)


class Publishes:
    """Opens each version when it is published. `deltas` holds all sent deltas by id."""

    def __init__(
        self,
        scheduler: Scheduler,
        store: ObjectStore,
        folder: Path,
        past: Past,
        deltas: dict[str, Sent],
        server: ChromaServer | None = None,
    ) -> None:
        self.server = server
        self._fail = scheduler.fail
        self._store, self._folder = store, folder
        self._past, self._deltas = past, deltas
        self._mirrors = {c: Mirror(DirectStore(store, c), c, folder / c) for c in Collection}
        self._now: Callable[[], float] = lambda: scheduler.now
        self.last: dict[Collection, Published] = {c: self._nothing(c) for c in Collection}
        self.was_restored = False
        """Whether an operator has tried to restore a version."""
        self.chosen: dict[Collection, int] = {}
        """The version of each collection that was last chosen for a restore."""
        self.restored_at = dict.fromkeys(Collection, -1.0)

    def _nothing(self, collection: Collection) -> Published:
        if self.server is not None:
            return OnServer(self.server, collection)
        return Published(0, {}, {0: {}})

    def on_server_version(self, collection: Collection, version: ServerVersion) -> None:
        """Check the version object of a server: a claim, or the next version."""
        last = self.last[collection]
        if version.version not in {last.version, last.version + 1}:
            self._fail(
                Check.VERSIONS, f"{collection}: version {version.version} follows {last.version}"
            )
        if self.server is not None:
            self.server.claims.on_version(version, published=version.version > last.version)
        last.version = version.version

    def on_publish(self, collection: Collection, manifest: Manifest) -> None:
        if manifest.version == 0 and not manifest.base:
            return  # A first publish has begun.
        before = self.last[collection]
        restored = manifest.writer == RESTORER
        # A restore skips the numbers of manifests that cannot be read.
        if not before.version < manifest.version <= before.version + (99 if restored else 1):
            self._fail(
                Check.VERSIONS, f"{collection}: version {manifest.version} follows {before.version}"
            )
        records = self._open(collection, self._mirrors[collection])
        if manifest.record_count != len(records):
            self._fail(
                Check.VERSION_CONTENT,
                f"{collection}: {len(records)} records, not {manifest.record_count}",
            )
        if restored:
            self._check_restored(collection, records)
        else:
            self._check_records(before.records, records)
        versions = before.versions
        versions[manifest.version] = records
        self.last[collection] = Published(manifest.version, records, versions)

    def _check_restored(self, collection: Collection, records: Records) -> None:
        """Check that the restored version is the chosen one.

        Later versions may show older truth.
        """
        chosen = self.chosen[collection]
        if records != self.last[collection].versions[chosen]:
            self._fail(
                Check.VERSION_CONTENT, f"{collection}: what was restored is not version {chosen}"
            )
        self.restored_at[collection] = self._now()
        self._past.forget()

    def open_cold(self, collection: Collection) -> None:
        """Check that the current version can be restored from base and packs alone."""
        if self.server is None and self.last[collection].version:
            store = DirectStore(self._store, collection)
            mirror = Mirror(store, collection, self._folder / f"cold-{collection}")
            if self._open(collection, mirror) != self.last[collection].records:
                self._fail(
                    Check.VERSION_CONTENT, f"{collection} opened cold is not what was published"
                )

    def _open(self, collection: Collection, mirror: Mirror) -> Records:
        try:
            mirror.refresh()
            records = read_content(mirror.folder).records
        except (SnapshotDamagedError, TornError) as error:
            self._fail(Check.VERSIONS, f"a version of {collection} can't be opened: {error}")
        self._check_derived(collection, mirror, records)
        return records

    def _check_derived(self, collection: Collection, mirror: Mirror, records: Records) -> None:
        if mirror.manifest is None or not mirror.manifest.base:
            return  # `snapshot gc` can publish a version before the first worker does.
        vectors = {chroma_id: vector for chroma_id, (_, _, vector) in records.items()}
        fault = fault_of(mirror.folder, vectors)
        if fault is not None:
            self._fail(Check.DERIVED, f"the derived files of {collection}: {fault}")

    def _check_records(self, before: Records, after: Records) -> None:
        for chroma_id in sorted(before.keys() | after.keys()):
            old, new = before.get(chroma_id), after.get(chroma_id)
            if old == new:
                continue
            if new is None:
                if not self._past.shows(chroma_id, "own", None, None):
                    self._fail(
                        Check.VERSION_CONTENT, f"{chroma_id} was deleted, but the table holds it"
                    )
            else:
                self._check_record(chroma_id, new)
                self._check_vector(chroma_id, old, new)

    def _check_record(self, chroma_id: str, record: Record) -> None:
        metadata, document, _ = record
        for channel, held in model.held(metadata).items():
            if not self._past.shows(chroma_id, channel, held, document):
                self._fail(
                    Check.VERSION_CONTENT,
                    f"{chroma_id} shows in its {channel} part what the table never held, or not "
                    f"since what was published before: {held}",
                )

    def _check_vector(self, chroma_id: str, old: Record | None, new: Record) -> None:
        metadata, document, vector = new
        delta_id = str(metadata.get("delta_id"))
        sent = self._deltas.get(delta_id)
        if sent is None or sent.content.get(chroma_id) != (document, vector):
            self._fail(
                Check.VERSION_CONTENT,
                f"{chroma_id} has not the vector and text that delta {delta_id} brought",
            )
        if old is not None and str(old[0].get("delta_id")) > delta_id:
            self._fail(
                Check.VERSION_CONTENT, f"{chroma_id} went back to the older delta {delta_id}"
            )
