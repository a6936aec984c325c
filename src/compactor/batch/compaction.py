"""Apply queue messages to the collections that they touch, and report the result of each (I2).

A message is done when two conditions hold. Every cycle that it takes part in has published. The
dead-letter queue holds those of its parts that can never succeed. Every other message returns to
the queue with its reason.

A batch is divided if its messages come again and again (see `division`). The messages of a part are
handled in groups, and the work of a group in slices. So neither takes more memory than
SliceLimits allows (I14). When the deadline nears, the messages of finished groups are done, and the
others return.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from compactor.batch.bisection import Bisected, run_bisecting
from compactor.batch.dead_letters import DeadLetterQueue, park_all
from compactor.batch.division import divided
from compactor.batch.entries import Entry, Outstanding, QueueMessage, read_entry
from compactor.batch.fetching import Fetcher
from compactor.batch.pace import Pace
from compactor.batch.poison import dead_letters_of
from compactor.batch.slices import SliceLimits, slices_of
from compactor.batch.work import Work
from compactor.collector import rare_collections
from compactor.cycle.cycle import Cycle, CycleReport
from receipt_index.deltas import DeltaStore
from receipt_sync.clock import Clock
from receipt_sync.correlation import log_ids, receipt_names
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    DeadlineNearError,
    LeaseUnavailableError,
    MassDeleteRefusedError,
    PublishRefusedError,
    SnapshotDamagedError,
    SyncError,
    UnsettledError,
)
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Poison, to_body
from receipt_sync.telemetry import Metric, Telemetry


@dataclass
class BatchReport:
    """The result of a batch: why messages return, by message id, and the cycles that ran."""

    received: int
    returned: dict[str, str] = field(default_factory=dict)
    retry_at: dict[str, datetime] = field(default_factory=dict)
    """By message id, the time before which another try is useless, where it is known."""
    late: set[str] = field(default_factory=set)
    """The ids of the messages for which no time was left."""
    parked: int = 0
    cycles: list[CycleReport] = field(default_factory=list)


_ALARMS: Mapping[type[BaseException], Metric] = {
    PublishRefusedError: Metric.PUBLISHES_REFUSED,
    MassDeleteRefusedError: Metric.MASS_DELETES_REFUSED,
    SnapshotDamagedError: Metric.SNAPSHOTS_DAMAGED,
}

_USUAL: Final = SliceLimits(256 * 2**20)
"""An eighth of the memory that the template gives the function."""


Acknowledge = Callable[[Sequence[QueueMessage]], object]
"""Acknowledges messages to the queue. May raise any error of the queue."""


def _do_nothing(_messages: Sequence[QueueMessage]) -> None:
    """Leave the acknowledgement to the caller's end."""


class Compactor:
    """Handles one batch of messages at a time with the cycles of the collections."""

    def __init__(
        self,
        cycles: Mapping[Collection, Cycle],
        deltas: DeltaStore,
        dead_letter_queue: DeadLetterQueue,
        clock: Clock,
        telemetry: Telemetry,
        limits: SliceLimits = _USUAL,
    ) -> None:
        self._cycles, self._dead_letter_queue = cycles, dead_letter_queue
        self._clock, self._telemetry, self._limits = clock, telemetry, limits
        self._fetcher = Fetcher(deltas, lambda entry, error: self._fail([entry], error))

    def handle(
        self,
        messages: Sequence[QueueMessage],
        deadline: Deadline,
        acknowledge: Acknowledge = _do_nothing,
    ) -> BatchReport:
        """Apply a batch, and return the report.

        `acknowledge` is called with finished messages before the messages that may kill the worker
        (see `division`). The caller must acknowledge all finished messages at the end, these too.
        Errors that concern single messages or collections are not raised. The report holds them.
        """
        with rare_collections():
            return self._handle_all(messages, deadline, acknowledge)

    def _handle_all(
        self, messages: Sequence[QueueMessage], deadline: Deadline, acknowledge: Acknowledge
    ) -> BatchReport:
        report = BatchReport(len(messages))
        pace = Pace(deadline)
        parts = divided(messages)
        for number, part in enumerate(parts, 1):
            if number > 1:
                self._acknowledge(parts[number - 2], report, acknowledge)
                if report.late:
                    self._return_unread(parts[number - 1 :], report)
                    break
            for entries in self._groups(part):
                self._handle(entries, deadline, pace, report)
        if report.retry_at:
            # No time was left because others waited. So these messages return with the others, and
            # not at the queue's own time, which can fall together with the next killed worker.
            together = max(report.retry_at.values())
            report.retry_at = dict.fromkeys(report.late, together) | report.retry_at
        self._telemetry.event(
            "batch handled",
            received=report.received,
            returned=len(report.returned),
            parked=report.parked,
        )
        return report

    def _acknowledge(
        self, part: Sequence[QueueMessage], report: BatchReport, acknowledge: Acknowledge
    ) -> None:
        done = [message for message in part if message.message_id not in report.returned]
        if not done:
            return
        try:
            acknowledge(done)
        except Exception as error:  # noqa: BLE001 the caller acknowledges these messages again
            self._telemetry.problem(
                "finished messages not acknowledged",
                error=type(error).__name__,
                messages=len(done),
            )

    def _groups(self, messages: Iterable[QueueMessage]) -> Iterator[list[Entry]]:
        """Yield the messages in groups that fit into memory. A message is read with its group."""
        group: list[Entry] = []
        weight = 0.0
        for message in messages:
            entry = self._read(message)
            more = self._limits.weight(entry)
            if group and weight + more > self._limits.records:
                yield group
                group, weight = [], 0.0
            group.append(entry)
            weight += more
        if group:
            yield group

    def _handle(
        self, entries: list[Entry], deadline: Deadline, pace: Pace, report: BatchReport
    ) -> None:
        for collection in Collection:
            report.cycles += self._compact(collection, entries, deadline, pace)
        report.parked += self._park(entries, deadline)
        self._record(entries, report)

    def _return_unread(self, parts: Sequence[Sequence[QueueMessage]], report: BatchReport) -> None:
        """Return the messages of parts for which no time is left.

        Nothing is read or fetched for them, because that alone may kill the worker. The lease of a
        killed worker must expire before the next one can write.
        """
        entries = [Entry(message) for part in parts for message in part]
        self._fail(entries, DeadlineNearError("no time left for the rest of the batch"))
        self._record(entries, report)

    def _record(self, entries: Sequence[Entry], report: BatchReport) -> None:
        returned = {e.message.message_id: e.failure for e in entries if e.failure is not None}
        report.returned |= returned
        report.retry_at |= {e.message.message_id: e.retry_at for e in entries if e.retry_at}
        report.late |= {e.message.message_id for e in entries if e.is_late}
        self._name(entries, returned)

    def _name(self, entries: Sequence[Entry], returned: Mapping[str, str]) -> None:
        ids = [entry.message.message_id for entry in entries]
        log_ids(
            self._telemetry,
            "messages handled",
            done=[message_id for message_id in ids if message_id not in returned],
            returned=returned,
            receipts=receipt_names(key for entry in entries for key in _keys(entry)),
        )

    def _read(self, message: QueueMessage) -> Entry:
        try:
            return read_entry(message)
        except Exception as error:  # noqa: BLE001 one message's error must not stop the others
            entry = Entry(message)
            self._fail([entry], error)
            return entry

    def _compact(
        self, collection: Collection, entries: list[Entry], deadline: Deadline, pace: Pace
    ) -> list[CycleReport]:
        concerned = [entry for entry in entries if entry.concerns(collection)]
        if not concerned:
            return []
        begun = self._clock.monotonic()
        outstanding = Outstanding(collection, concerned)
        done = run_bisecting(
            lambda work: self._cycles[collection].run(work, deadline),
            slices_of(collection, concerned, self._fetcher.fetch, self._limits),
            pace,
            outstanding.settle,
        )
        self._set_aside(concerned, outstanding, done)
        self._return(concerned, outstanding, done)
        # Cycles that failed are measured, too, because they take as much time.
        self._telemetry.measure(
            Metric.COMPACTION_DURATION, 1000 * (self._clock.monotonic() - begun)
        )
        if done.reports:
            self._measure(collection, [e for e in concerned if e.failure is None])
        return done.reports

    def _set_aside(self, concerned: list[Entry], outstanding: Outstanding, done: Bisected) -> None:
        by_delta = _by_delta(concerned)
        for unit, reason in done.poison:
            outstanding.settle(unit, Work())
            for change in unit.changes:
                outstanding.owner(change).poison.append(Poison(to_body(change), reason))
            for batch in unit.vectors:
                for entry in by_delta[batch.delta_id]:
                    why = f"{', '.join(batch.ids)}: {reason}"
                    entry.poison.append(Poison(entry.message.body, why))
        for delta_id, reason in _refused(done.reports).items():
            for entry in by_delta[delta_id]:
                entry.poison.append(Poison(entry.message.body, reason))

    def _return(self, concerned: list[Entry], outstanding: Outstanding, done: Bisected) -> None:
        """Send unsettled messages, and those whose deletions were refused, back to the queue."""
        for withheld in (report.withheld for report in done.reports):
            if withheld is not None:
                owed = [e for e in concerned if _names_any(e, withheld.ids)]
                self._fail(owed, withheld.error)
        left = [e for e in concerned if e.failure is None and not outstanding.is_settled(e)]
        if left:
            self._fail(left, done.stopped or _UNSETTLED)

    def _park(self, entries: list[Entry], deadline: Deadline) -> int:
        """Park the poison of each message whose rest is done; return how many parts were parked."""
        poisoned = [e for e in entries if e.poison and e.failure is None]
        dead_letters = [dead_letter for entry in poisoned for dead_letter in dead_letters_of(entry)]
        failed = park_all(self._dead_letter_queue, dead_letters, deadline)
        for error in {id(error): error for error in failed.values()}.values():
            self._fail([e for e in poisoned if failed.get(e.message.message_id) is error], error)
        parked = sum(len(entry.poison) for entry in poisoned if entry.failure is None)
        if parked:
            self._telemetry.measure(Metric.RECORDS_PARKED, parked)
        return parked

    def _fail(self, entries: Sequence[Entry], error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        for entry in entries:
            entry.failure = reason
            entry.is_late = isinstance(error, DeadlineNearError)
            if isinstance(error, LeaseUnavailableError | UnsettledError):
                entry.retry_at = max(error.until, entry.retry_at or error.until)
        for kind, metric in _ALARMS.items():
            if isinstance(error, kind):
                self._telemetry.measure(metric, 1)
        report = self._telemetry.event if isinstance(error, _EXPECTED) else self._telemetry.problem
        report(
            "messages go back to the queue",
            error=type(error).__name__,
            # Only this project's errors are certain to quote no receipt text (I8).
            detail=str(error) if isinstance(error, SyncError) else None,
            messages=len(entries),
        )

    def _measure(self, collection: Collection, entries: list[Entry]) -> None:
        now = self._clock.now()
        # Each change gets a value. One value for a batch would ignore the batch's size.
        milliseconds = [
            1000 * (now - change.timestamp).total_seconds()
            for entry in entries
            for change in entry.changes_of(collection)
        ]
        self._telemetry.measure_all(Metric.FRESHNESS, milliseconds)


_EXPECTED = (DeadlineNearError, LeaseUnavailableError, PublishRefusedError, UnsettledError)
"""Errors that are no fault. They occur whenever two workers meet, or a backlog is long."""


_UNSETTLED: Final = AssertionError("a part of a message was neither published nor set aside")
"""An error that cannot occur. If it does, nothing may be acknowledged (I2)."""


def _keys(entry: Entry) -> Iterator[EntityKey]:
    yield from (change.key for change in entry.changes)
    yield from entry.receipts


def _names_any(entry: Entry, ids: frozenset[str]) -> bool:
    """Return whether a message is about the entity of one of these records.

    A message about a neighbour is not. The deletion belongs to the message of the deleted entity.
    """
    return any(change.key.line_id is not None and change.key.chroma_id in ids
               for change in entry.changes)  # fmt: skip


def _by_delta(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.delta is not None:
            found.setdefault(entry.delta.delta_id, []).append(entry)
    return found


def _refused(reports: Iterable[CycleReport]) -> dict[str, str]:
    return {delta_id: why for report in reports for delta_id, why in report.refused.items()}
