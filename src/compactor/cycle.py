"""One compaction of one collection, in the order that makes it safe (I4).

Lease, check out, read the table, compare, write, read back, publish on condition that the version
checked out is still the last one. A cycle that has nothing to write publishes all the same: it
must not acknowledge on the word of a snapshot that a paused worker may be about to replace.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from compactor.closure import Closure, closure_of
from compactor.deltas import VectorBatch
from compactor.index import Index, Record
from compactor.lease import Lease
from compactor.parallel import in_parallel
from compactor.plan import Plan, make_plan, newest_vectors
from compactor.projection import Items
from compactor.readback import read_back
from compactor.snapshot.working_copy import Published
from compactor.source import TableSource
from compactor.truth import read_truth
from compactor.work import Work
from receipt_sync.deadline import Deadline
from receipt_sync.errors import MassDeleteRefusedError
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric, Telemetry


class Target(Protocol):
    """Where a collection is checked out from and published to."""

    def checkout(self) -> Index: ...

    def mark_dirty(self) -> None: ...

    def publish(self, record_count: int | None) -> Published: ...

    def discard(self) -> None: ...


@dataclass(frozen=True)
class DeleteGuard:
    """The most that one cycle may delete without a person's word (I5).

    `share` of the collection's records, but never fewer than `floor` records: a small collection
    may lose a whole receipt.
    """

    share: float
    floor: int

    def check(self, index: Index, deletes: int) -> None:
        """Raise MassDeleteRefusedError beyond the share."""
        if deletes <= self.floor:
            return
        allowed = self.share * index.count()
        if deletes > allowed:
            raise MassDeleteRefusedError(
                f"a cycle would delete {deletes} records, more than {self.share:.0%} of the "
                "collection: if that is meant, raise MAX_DELETE_SHARE and let the messages return"
            )


@dataclass(frozen=True)
class CycleReport:
    """What one cycle did. Counts are records; `refused` maps a delta's id to the reason."""

    collection: Collection
    version: int
    updated: int
    inserted: int
    replaced: int
    deleted: int
    dropped_vectors: int
    uploaded: int
    refused: dict[str, str]


class Cycle:
    """The cycle of one collection; `run` may be called again and again by a warm worker."""

    def __init__(
        self,
        collection: Collection,
        lease: Lease,
        target: Target,
        source: TableSource,
        guard: DeleteGuard,
        telemetry: Telemetry,
    ) -> None:
        self.collection = collection
        self._lease, self._target, self._source = lease, target, source
        self._guard, self._telemetry = guard, telemetry

    def run(self, work: Work, deadline: Deadline) -> CycleReport:
        """Apply and publish `work`. Whatever is raised, nothing was published, or all was."""
        deadline.check("begin a cycle")
        with self._telemetry.step("cycle", collection=self.collection.value), ExitStack() as held:
            with self._telemetry.step("lease"):
                held.enter_context(self._lease.held(deadline))
            try:
                return self._run(work, deadline)
            except BaseException:
                self._target.discard()
                raise

    def _run(self, work: Work, deadline: Deadline) -> CycleReport:
        step = self._telemetry.step
        with step("checkout"):
            index = self._target.checkout()
        vectors, refused = _fitting(work.vectors, index)
        with step("plan"):
            plan = self._plan(work, vectors, index, deadline)
            self._guard.check(index, len(plan.delete))
        with step("write"):
            self._write(index, plan)
        with step("publish"):
            # Chroma's count takes longer the more there is, so it is asked only for a reason.
            count = index.count() if plan.insert or plan.delete else None
            self._lease.check()
            published = self._target.publish(count)
        report = _report(self.collection, plan, published, refused)
        self._tell(report, plan.stale)
        return report

    def _plan(
        self, work: Work, vectors: list[VectorBatch], index: Index, deadline: Deadline
    ) -> Plan:
        embedded = [key for batch in vectors for key in batch.keys]
        closure = closure_of(work.changes, embedded)
        with self._telemetry.step("read", records=len(closure.records)):
            items, present = self._read(closure, index, deadline)
        with self._telemetry.step("compare"):
            return make_plan(closure, newest_vectors(vectors), items, present)

    def _read(
        self, closure: Closure, index: Index, deadline: Deadline
    ) -> tuple[Items, dict[str, Record]]:
        """What the table and what Chroma hold; at the same time where neither needs the other."""

        def truth() -> Items:
            return read_truth(self._source, closure, self.collection, deadline)

        def present() -> dict[str, Record]:
            return index.get([key.chroma_id for key in closure.records])

        if closure.receipts:  # whose members only the table knows
            return truth(), present()
        items, records = in_parallel(lambda read: read(), [truth, present])
        return items, records

    def _write(self, index: Index, plan: Plan) -> None:
        if plan.is_empty:
            return
        self._target.mark_dirty()
        calls: list[tuple[Callable[[Any], None], Any]] = [
            (index.update, plan.update),
            (index.insert, plan.insert),
            (index.replace_vectors, plan.replace),
            (index.delete, plan.delete),
        ]
        for call, records in calls:
            if records:
                call(records)
                self._telemetry.measure(Metric.INDEX_CALLS, 1)
        with self._telemetry.step("read back"):
            read_back(index, plan)

    def _tell(self, report: CycleReport, stale: int) -> None:
        measure = self._telemetry.measure
        measure(Metric.METADATA_UPDATES_APPLIED, report.updated)
        measure(Metric.VECTORS_APPLIED, report.inserted + report.replaced)
        measure(Metric.VECTORS_DROPPED, report.dropped_vectors)
        measure(Metric.RECORDS_DELETED, report.deleted)
        measure(Metric.STALE_VECTORS_WRITTEN, stale)
        measure(Metric.BYTES_PUBLISHED, report.uploaded)
        self._telemetry.event("published", **{**asdict(report), "refused": len(report.refused)})


def _fitting(
    batches: tuple[VectorBatch, ...], index: Index
) -> tuple[list[VectorBatch], dict[str, str]]:
    """The batches of the collection's dimension, and why the others are refused."""
    if not batches:
        return [], {}
    dimension = index.dimension() or batches[0].dimension
    refused = {
        batch.delta_id: f"its vectors have {batch.dimension} dimensions, those of the collection "
        f"{dimension}: embed with the collection's model"
        for batch in batches
        if batch.dimension != dimension
    }
    return [batch for batch in batches if batch.delta_id not in refused], refused


def _report(
    collection: Collection, plan: Plan, published: Published, refused: dict[str, str]
) -> CycleReport:
    return CycleReport(
        collection=collection,
        version=published.version,
        updated=len(plan.update),
        inserted=len(plan.insert),
        replaced=len(plan.replace),
        deleted=len(plan.delete),
        dropped_vectors=plan.dropped_vectors,
        uploaded=published.uploaded,
        refused=refused,
    )
