"""Wiring of the parts that a worker needs for a Chroma server."""

from typing import Any

from compactor.cycle.cycle import Cycle
from compactor.cycle.delete_guard import DeleteGuard
from compactor.cycle.source import TableSource
from compactor.locking.lease import Lease
from compactor.server.breaker import breaker, shared_state
from receipt_index.server.index import ServerIndexes
from receipt_index.server.target import ServerTarget, VersionStore
from receipt_sync.clock import Clock
from receipt_sync.keys import Collection
from receipt_sync.settings import CompactorSettings
from receipt_sync.telemetry import Telemetry


class ServerCycles:
    """Makes cycles that share one server and one circuit breaker."""

    def __init__(
        self, settings: CompactorSettings, dynamodb: Any, clock: Clock, telemetry: Telemetry
    ) -> None:
        state = shared_state(dynamodb, settings.dynamodb_table, settings.compaction_lock_id)
        self._indexes = ServerIndexes(settings, breaker(state, telemetry))
        self._clock, self._telemetry = clock, telemetry

    def cycle(
        self,
        collection: Collection,
        lease: Lease,
        store: VersionStore,
        source: TableSource,
        guard: DeleteGuard,
        owner: str,
        most: int,
    ) -> Cycle:
        """Return a cycle whose checkouts open the server's collection."""
        target = ServerTarget(
            store,
            collection,
            lambda create: self._indexes.open(collection, create=create),
            self._clock,
            owner,
        )
        return Cycle(collection, lease, target, source, guard, self._telemetry, most)
