"""The cycle of a collection that lies on a Chroma server."""

from compactor.cycle import MOST_RECORDS, Cycle, CycleReport
from compactor.delete_guard import DeleteGuard
from compactor.lease import Lease
from compactor.server.target import ServerTarget
from compactor.source import TableSource
from compactor.work import Work
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Telemetry


class ServerCycle(Cycle):
    """Says before it begins until when it may write at most."""

    def __init__(
        self,
        collection: Collection,
        lease: Lease,
        target: ServerTarget,
        source: TableSource,
        guard: DeleteGuard,
        telemetry: Telemetry,
        most: int = MOST_RECORDS,
    ) -> None:
        super().__init__(collection, lease, target, source, guard, telemetry, most)
        self._server = target

    def run(self, work: Work, deadline: Deadline) -> CycleReport:
        self._server.begin(deadline)
        return super().run(work, deadline)
