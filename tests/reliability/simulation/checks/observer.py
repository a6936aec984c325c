"""The observer, which compares a history with the promises at every step."""

from pathlib import Path

from receipt_index.server.version import read_version
from receipt_index.snapshot.format.manifest import read_manifest
from receipt_sync.keys import Collection
from tests.reliability.simulation.checks.acknowledgements import Acknowledgements
from tests.reliability.simulation.checks.past import Past
from tests.reliability.simulation.checks.publishes import Publishes
from tests.reliability.simulation.checks.retention import Retention
from tests.reliability.simulation.environment.deltas import Sent
from tests.reliability.simulation.environment.s3 import ObjectStore
from tests.reliability.simulation.environment.scheduler import Scheduler
from tests.reliability.simulation.environment.server import ChromaServer


class Observer:
    """Holds the past of the table, all sent deltas and all published versions."""

    def __init__(
        self, scheduler: Scheduler, store: ObjectStore, folder: Path, server: ChromaServer | None
    ) -> None:
        self.past = Past()
        self.deltas: dict[str, Sent] = {}
        self.retention = Retention(scheduler, store)
        self.publishes = Publishes(scheduler, store, folder, self.past, self.deltas, server)
        self.acknowledgements = Acknowledgements(scheduler, self.past, self.deltas, self.publishes)

    def on_publish(self, collection: Collection, data: bytes) -> None:
        """Check a manifest that was put."""
        if self.publishes.server is not None:
            self.publishes.on_server_version(collection, read_version(data, collection))
            return
        manifest = read_manifest(data, collection)
        self.publishes.on_publish(collection, manifest)
        self.retention.on_publish(collection, manifest)

    def on_delete(self, collection: Collection, name: str) -> None:
        """Check the deletion of a snapshot object."""
        self.retention.on_delete(collection, name)
