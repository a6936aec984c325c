"""One compaction of one collection, in the order that makes it safe (I4).

The order is: take the lease, check out, read the table, compare, write, read back, publish. The
publish requires that the version checked out is still the newest. A cycle that has nothing to write
publishes, too. Otherwise it would acknowledge messages because of a snapshot that a paused worker
may be about to replace.

A change of a receipt's merchant can reach any number of records. One cycle handles at most `most`
of them, and reports the others as `rest`.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from compactor.batch.work import Work
from compactor.cycle.closure import Closure, closure_of
from compactor.cycle.delete_guard import DeleteGuard, DeleteLedger
from compactor.cycle.plan import Plan, make_plan, newest_vectors
from compactor.cycle.projection import Items
from compactor.cycle.readback import read_back
from compactor.cycle.rebuild_report import report_rebuild
from compactor.cycle.source import TableSource
from compactor.cycle.truth import add_members, read_truth
from compactor.locking.lease import Lease
from receipt_index.deltas import VectorBatch
from receipt_index.records import Index, Record
from receipt_index.snapshot.copies.working_copy import Published
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    IndexFailedError,
    IndexUnavailableError,
    MassDeleteRefusedError,
    ObjectsNotDeletedError,
)
from receipt_sync.keys import Collection
from receipt_sync.parallel import in_parallel
from receipt_sync.telemetry import Metric, Telemetry


class Target(Protocol):
    """A place where a collection is checked out from and published to.

    `checkout` returns the present collection, whose writes and publish end by the deadline.
    `mark_dirty` must precede the first write. `publish` makes the writes the next
    version; `record_count` None keeps the last count. `discard` drops the checkout after any error.
    """

    def checkout(self, deadline: Deadline) -> Index: ...

    def mark_dirty(self) -> None: ...

    def publish(self, record_count: int | None) -> Published: ...

    def discard(self) -> None: ...


@dataclass(frozen=True)
class Withheld:
    """Deletions that the delete guard refused: ids, and the reason."""

    ids: frozenset[str]
    error: MassDeleteRefusedError


@dataclass(frozen=True)
class CycleReport:
    """The result of one cycle. Counts are records; `refused` maps a delta's id to the reason."""

    collection: Collection
    version: int
    updated: int
    inserted: int
    replaced: int
    deleted: int
    dropped_vectors: int
    uploaded: int
    refused: dict[str, str]
    stale: int = 0
    """Records that were written with a vector of another text."""
    rest: Work = field(default_factory=Work)
    """Work that is left for another cycle, because it would have been too much for one."""
    withheld: Withheld | None = None

    def figures(self) -> dict[str, Any]:
        """Return the figures for a log line: counts, and no text (I8)."""
        return {
            "collection": self.collection,
            "version": self.version,
            "updated": self.updated,
            "inserted": self.inserted,
            "replaced": self.replaced,
            "deleted": self.deleted,
            "dropped_vectors": self.dropped_vectors,
            "uploaded": self.uploaded,
            "refused": len(self.refused),
            "left": self.rest.size,
            "withheld": len(self.withheld.ids) if self.withheld else 0,
        }


MOST_RECORDS: Final = 10_000
"""Records that one cycle handles at most, in some seconds. The deadline is checked between two
cycles.
"""


class Cycle:
    """The cycle of one collection. A warm worker may call `run` any number of times."""

    def __init__(
        self,
        collection: Collection,
        lease: Lease,
        target: Target,
        source: TableSource,
        guard: DeleteGuard,
        telemetry: Telemetry,
        most: int = MOST_RECORDS,
    ) -> None:
        self.collection = collection
        self._lease, self._target, self._source = lease, target, source
        self._ledger, self._telemetry = DeleteLedger(guard), telemetry
        self._most = most

    def run(self, work: Work, deadline: Deadline) -> CycleReport:
        """Apply and publish `work`, except for `rest` and `withheld` of the report.

        An error means that nothing was published. The one exception is UnsettledError, which the
        target of a Chroma server raises after its publish.
        """
        deadline.check("begin a cycle")
        outcome = _Outcome()
        with self._telemetry.step("cycle", collection=self.collection.value):
            try:
                self._run_with_lease(work, deadline, outcome)
            except Exception as error:
                if outcome.report is None and outcome.failure is None:
                    raise
                if error is not outcome.failure:
                    # The lease expires without a release, so only the next worker has to wait.
                    self._telemetry.problem("lease not released", error=type(error).__name__)
        if outcome.failure is not None:
            raise outcome.failure
        return self._report_outcome(outcome)

    def _run_with_lease(self, work: Work, deadline: Deadline, outcome: "_Outcome") -> None:
        with ExitStack() as held:
            with self._telemetry.step("lease"):
                held.enter_context(self._lease.held(deadline))
            try:
                outcome.report = self._run(work, deadline)
            except BaseException as error:
                outcome.failure = error
                self._target.discard()
                raise

    def _run(self, work: Work, deadline: Deadline) -> CycleReport:
        step = self._telemetry.step
        with step("checkout"):
            index = self._checked_out(deadline)
        vectors, refused = _fitting(work.vectors, index)
        with step("plan"):
            plan, rest = self._plan(work, vectors, index, deadline)
            withheld = self._withhold(plan, index, deadline)
        with step("write"):
            self._write(index, plan)
        with step("publish"):
            # Chroma counts longer for more records, so count only if the number can have changed.
            count = index.count() if plan.insert or plan.delete else None
            self._lease.check()
            published = self._target.publish(count)
        self._report_publish(published)
        self._ledger.note(len(plan.delete), len(plan.insert), deadline.moment())
        return _report(self.collection, plan, published, refused, rest, withheld)

    def _checked_out(self, deadline: Deadline) -> Index:
        """Check out the target.

        A failure here is not the fault of a record. So it becomes IndexUnavailableError, which
        causes no bisection.
        """
        try:
            return self._target.checkout(deadline)
        except IndexFailedError as error:
            raise IndexUnavailableError(str(error)) from error

    def _withhold(self, plan: Plan, index: Index, deadline: Deadline) -> Withheld | None:
        """Remove the deletions from a plan that has more of them than the guard allows.

        Return what was removed, or None.
        """
        error = self._ledger.refusal(index, len(plan.delete), deadline.moment())
        if error is None:
            return None
        ids, plan.delete = frozenset(plan.delete), []
        return Withheld(ids, error)

    def _plan(
        self, work: Work, vectors: list[VectorBatch], index: Index, deadline: Deadline
    ) -> tuple[Plan, Work]:
        embedded = [key for batch in vectors for key in batch.keys]
        closure = closure_of(work.changes, embedded)
        with self._telemetry.step("read", records=len(closure.records)):
            unfinished = add_members(
                self._source, closure, work.done, self.collection, self._most, deadline
            )
            items, present = self._read(closure, index, deadline)
        with self._telemetry.step("compare"):
            plan = make_plan(closure, newest_vectors(vectors), items, present)
        return plan, work.rest(unfinished)

    def _read(
        self, closure: Closure, index: Index, deadline: Deadline
    ) -> tuple[Items, dict[str, Record]]:
        """Return what the table and what Chroma hold. Both are read at the same time."""

        def truth() -> Items:
            return read_truth(self._source, closure, deadline)

        def present() -> dict[str, Record]:
            return index.get([key.chroma_id for key in closure.records])

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

    def _report_publish(self, published: Published) -> None:
        if published.undeleted is not None:
            self._telemetry.problem(
                "expired objects not deleted",
                error=ObjectsNotDeletedError.__name__,
                detail=published.undeleted,
            )
        if published.abandoned is not None:
            self._telemetry.problem("working copy abandoned", error=published.abandoned)
        if published.postponed is not None:
            self._telemetry.measure(Metric.REBASES_POSTPONED, 1)
            self._telemetry.event(
                "rebase postponed", collection=self.collection, reason=published.postponed
            )
        report_rebuild(self._telemetry, self.collection, published)

    def _report_outcome(self, outcome: "_Outcome") -> CycleReport:
        report = outcome.report
        if report is None:
            raise AssertionError("a cycle without a report has raised")
        measure = self._telemetry.measure
        measure(Metric.METADATA_UPDATES_APPLIED, report.updated)
        measure(Metric.VECTORS_APPLIED, report.inserted + report.replaced)
        measure(Metric.VECTORS_DROPPED, report.dropped_vectors)
        measure(Metric.RECORDS_DELETED, report.deleted)
        measure(Metric.STALE_VECTORS_WRITTEN, report.stale)
        measure(Metric.BYTES_PUBLISHED, report.uploaded)
        self._telemetry.event("published", **report.figures())
        return report


@dataclass
class _Outcome:
    """The result of a cycle before its lease is released."""

    report: CycleReport | None = None
    failure: BaseException | None = None


def _fitting(
    batches: tuple[VectorBatch, ...], index: Index
) -> tuple[list[VectorBatch], dict[str, str]]:
    """Return the batches of the collection's dimension, and why the others are refused."""
    if not batches:
        return [], {}
    dimension = index.dimension() or batches[0].dimension
    refused = {
        batch.delta_id: f"its vectors have {batch.dimension} dimensions, and the collection "
        f"has {dimension}: embed with the collection's model"
        for batch in batches
        if batch.dimension != dimension
    }
    return [batch for batch in batches if batch.delta_id not in refused], refused


def _report(
    collection: Collection,
    plan: Plan,
    published: Published,
    refused: dict[str, str],
    rest: Work,
    withheld: Withheld | None,
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
        stale=plan.stale,
        rest=rest,
        withheld=withheld,
    )
