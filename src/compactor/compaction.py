"""Takes queue messages to the collections they touch, and says what became of each (I2).

A message is done when every cycle that it takes part in has published, and what of it can never
succeed lies in the dead-letter queue. Everything else goes back to the queue with its reason.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from compactor.bisection import run_bisecting
from compactor.closure import touched_collections
from compactor.cycle import Cycle, CycleReport
from compactor.dead_letters import DeadLetters
from compactor.deltas import DeltaStore, VectorBatch, decode
from compactor.parallel import in_parallel
from compactor.work import Work
from receipt_sync.clock import Clock
from receipt_sync.correlation import receipt_names, tell
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    LeaseUnavailableError,
    MassDeleteRefusedError,
    PermanentError,
    PublishRefusedError,
    SnapshotDamagedError,
    SyncError,
    UnsettledError,
)
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Change, Delta, Poison, read_message, to_body
from receipt_sync.telemetry import Metric, Telemetry


@dataclass(frozen=True)
class QueueMessage:
    """A message as it was received."""

    message_id: str
    body: str
    receipt_handle: str = ""


@dataclass
class Entry:
    """A message, what it asks for, and what became of it."""

    message: QueueMessage
    changes: tuple[Change, ...] = ()
    vectors: VectorBatch | None = None
    delta: Delta | None = None
    poison: list[Poison] = field(default_factory=list)
    failure: str | None = None
    """Why it goes back to the queue."""


@dataclass
class BatchReport:
    """What became of a batch: reasons by message id of what goes back, and the cycles run."""

    received: int
    returned: dict[str, str]
    parked: int
    cycles: list[CycleReport]


_ALARMS: Mapping[type[BaseException], Metric] = {
    PublishRefusedError: Metric.PUBLISHES_REFUSED,
    MassDeleteRefusedError: Metric.MASS_DELETES_REFUSED,
    SnapshotDamagedError: Metric.SNAPSHOTS_DAMAGED,
}


class Compactor:
    """One batch of messages at a time, through the cycles of the collections it touches."""

    def __init__(
        self,
        cycles: Mapping[Collection, Cycle],
        deltas: DeltaStore,
        dead_letters: DeadLetters,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._cycles, self._deltas, self._dead_letters = cycles, deltas, dead_letters
        self._clock, self._telemetry = clock, telemetry

    def handle(self, messages: Sequence[QueueMessage], deadline: Deadline) -> BatchReport:
        """Apply a batch. Never raises for what concerns a single message or collection."""
        entries = [self._read(message) for message in messages]
        in_parallel(self._fetch, [entry for entry in entries if entry.delta is not None])
        cycles: list[CycleReport] = []
        for collection in Collection:
            cycles += self._compact(collection, entries, deadline)
        parked = sum(self._park(entry) for entry in entries)
        returned = {e.message.message_id: e.failure for e in entries if e.failure is not None}
        self._name(entries, returned)
        self._telemetry.event(
            "batch handled", received=len(entries), returned=len(returned), parked=parked
        )
        return BatchReport(len(entries), returned, parked, cycles)

    def _name(self, entries: Sequence[Entry], returned: Mapping[str, str]) -> None:
        ids = [entry.message.message_id for entry in entries]
        tell(
            self._telemetry,
            "messages handled",
            done=[message_id for message_id in ids if message_id not in returned],
            returned=returned,
            receipts=receipt_names(key for entry in entries for key in _keys(entry)),
        )

    def _read(self, message: QueueMessage) -> Entry:
        """A message's content; what can't be read is poison."""
        entry = Entry(message)
        try:
            content = read_message(message.body)
            entry.changes, entry.delta = content.changes, content.delta
            entry.poison += content.poison
        except PermanentError as error:
            entry.poison.append(Poison(message.body, str(error)))
        except Exception as error:  # noqa: BLE001 one message's trouble must not stop the others
            self._fail([entry], error)
        return entry

    def _fetch(self, entry: Entry) -> None:
        """The vectors that a message announces; what can't be fetched goes back."""
        delta = _delta_of(entry)
        try:
            entry.vectors = decode(self._deltas.read(delta.delta_key), delta)
        except PermanentError as error:
            entry.poison.append(Poison(entry.message.body, str(error)))
        except Exception as error:  # noqa: BLE001 one message's trouble must not stop the others
            self._fail([entry], error)

    def _compact(
        self, collection: Collection, entries: list[Entry], deadline: Deadline
    ) -> list[CycleReport]:
        concerned = [entry for entry in entries if _concerns(entry, collection)]
        if not concerned:
            return []
        begun = self._clock.monotonic()
        try:
            done = run_bisecting(
                lambda work: self._cycles[collection].run(work, deadline),
                _work(collection, concerned),
            )
        except Exception as error:  # noqa: BLE001 here a failure becomes batch item failures
            self._fail(concerned, error)
            return []
        self._set_aside(concerned, done.poison, done.reports)
        self._measure(collection, concerned, begun)
        return done.reports

    def _set_aside(
        self,
        concerned: list[Entry],
        poison: Iterable[tuple[Work, str]],
        reports: Iterable[CycleReport],
    ) -> None:
        for unit, reason in poison:
            for entry in concerned:
                entry.poison += [
                    Poison(to_body(c), reason) for c in unit.changes if c in entry.changes
                ]
                if entry.delta and entry.delta.delta_id in {v.delta_id for v in unit.vectors}:
                    ids = ", ".join(i for v in unit.vectors for i in v.ids)
                    entry.poison.append(Poison(entry.message.body, f"{ids}: {reason}"))
        refused = {delta_id: why for report in reports for delta_id, why in report.refused.items()}
        for entry in concerned:
            if entry.delta and entry.delta.delta_id in refused:
                entry.poison.append(Poison(entry.message.body, refused[entry.delta.delta_id]))

    def _park(self, entry: Entry) -> int:
        """Set aside what of a message is poison, once the rest of it is done."""
        if entry.failure is not None:
            return 0
        try:
            for body, reason in entry.poison:
                self._dead_letters.park(body, reason, entry.message.message_id)
        except Exception as error:  # noqa: BLE001 not parked: the message comes back as a whole
            self._fail([entry], error)
            return 0
        self._telemetry.measure(Metric.RECORDS_PARKED, len(entry.poison))
        return len(entry.poison)

    def _fail(self, entries: Sequence[Entry], error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        for entry in entries:
            entry.failure = reason
        for kind, metric in _ALARMS.items():
            if isinstance(error, kind):
                self._telemetry.measure(metric, 1)
        report = self._telemetry.event if isinstance(error, _EXPECTED) else self._telemetry.problem
        report(
            "messages go back to the queue",
            error=type(error).__name__,
            # Only our own errors are known to quote no receipt text (I8).
            detail=str(error) if isinstance(error, SyncError) else None,
            messages=len(entries),
        )

    def _measure(self, collection: Collection, entries: list[Entry], begun: float) -> None:
        now = self._clock.now()
        self._telemetry.measure(
            Metric.COMPACTION_DURATION, 1000 * (self._clock.monotonic() - begun)
        )
        timestamps = (
            change.timestamp
            for entry in entries
            for change in entry.changes
            if collection in touched_collections(change)
        )
        # One value a change: a sample a batch would weigh a large batch like a small one.
        for timestamp in timestamps:
            self._telemetry.measure(Metric.FRESHNESS, 1000 * (now - timestamp).total_seconds())


_EXPECTED = (LeaseUnavailableError, PublishRefusedError, UnsettledError)
"""What happens whenever two workers meet, and is no fault."""


def _concerns(entry: Entry, collection: Collection) -> bool:
    if entry.failure is not None:
        return False
    by_change = any(collection in touched_collections(change) for change in entry.changes)
    by_vectors = entry.vectors is not None and _delta_of(entry).collection is collection
    return by_change or by_vectors


def _keys(entry: Entry) -> Iterator[EntityKey]:
    yield from (change.key for change in entry.changes)
    if entry.vectors is not None:
        yield from entry.vectors.keys


def _work(collection: Collection, entries: list[Entry]) -> Work:
    return Work(
        changes=tuple(
            change
            for entry in entries
            for change in entry.changes
            if collection in touched_collections(change)
        ),
        vectors=tuple(
            entry.vectors
            for entry in entries
            if entry.vectors is not None and _delta_of(entry).collection is collection
        ),
    )


def _delta_of(entry: Entry) -> Delta:
    if entry.delta is None:
        raise AssertionError("vectors come with their delta")
    return entry.delta
