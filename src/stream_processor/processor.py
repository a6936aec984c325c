"""Sends a batch of stream records to the queues, and reports the records that failed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from receipt_sync.correlation import log_ids, receipt_names
from receipt_sync.deadline import Deadline
from receipt_sync.errors import DeadlineNearError, PermanentError, QueueSendError
from receipt_sync.keys import EntityType
from receipt_sync.telemetry import Metric, Telemetry
from stream_processor.coalescing import coalesce
from stream_processor.detection import (
    EntityChange,
    StreamRecord,
    detect,
    sequence_of,
    sequence_text,
)
from stream_processor.packing import OutgoingMessage, pack
from stream_processor.parking import Parking
from stream_processor.publisher import ChangePublisher


@dataclass
class Outcome:
    """The result of a batch.

    `failed_from` is the lowest sequence number that Lambda must send again, as the record holds it.
    """

    records: int = 0
    changes: int = 0
    queued_messages: int = 0
    parked: int = 0
    disabled: int = 0
    failed: list[int] = field(default_factory=list)
    failed_from: str | None = None


class StreamProcessor:
    """Detects, coalesces, packs and sends the changes of a batch, and parks malformed records."""

    def __init__(
        self,
        publisher: ChangePublisher,
        parking: Parking,
        enabled: frozenset[EntityType],
        telemetry: Telemetry,
    ) -> None:
        self._publisher, self._parking = publisher, parking
        self._enabled, self._telemetry = enabled, telemetry

    def process(self, records: Sequence[StreamRecord], deadline: Deadline) -> Outcome:
        """Send the changes of a batch to the queue, and return the outcome.

        Raises QueueSendError if no message and no record reached a queue. Raises it also if a
        record without a sequence number could not be parked, because a batch item failure cannot
        name it. The stream then holds its position.
        """
        outcome = Outcome(records=len(records))
        with self._telemetry.step("detect", records=len(records), **_ends(records)):
            found, malformed = self._detect(records, outcome)
            messages = pack(coalesce(found))
        log_ids(
            self._telemetry,
            "receipts changed",
            receipts=receipt_names(change.key for change in found),
        )
        try:
            with self._telemetry.step("send"):
                self._send(messages, outcome, deadline)
                self._park(malformed, outcome, deadline)
        finally:
            outcome.failed_from = _lowest(outcome.failed, records)
            self._emit_metrics(outcome)
        if outcome.failed and not outcome.queued_messages and not outcome.parked:
            raise QueueSendError(
                f"none of {len(messages)} messages and {len(malformed)} malformed records could be "
                "queued: the stream holds its position"
            )
        return outcome

    def _detect(
        self, records: Iterable[StreamRecord], outcome: Outcome
    ) -> tuple[list[EntityChange], list[tuple[StreamRecord, str]]]:
        found: list[EntityChange] = []
        malformed: list[tuple[StreamRecord, str]] = []
        for record in records:
            try:
                change = detect(record)
            except PermanentError as error:
                malformed.append((record, str(error)))
                continue
            if change is not None and change.key.entity_type in self._enabled:
                found.append(change)
            elif change is not None:
                outcome.disabled += 1
        return found, malformed

    def _send(
        self, messages: Sequence[OutgoingMessage], outcome: Outcome, deadline: Deadline
    ) -> None:
        unsent = self._publisher.send(messages, deadline) if messages else []
        outcome.queued_messages = len(messages) - len(unsent)
        outcome.changes = sum(m.changes for m in messages) - sum(m.changes for m in unsent)
        outcome.failed = [message.first_sequence for message in unsent]

    def _park(
        self, malformed: Iterable[tuple[StreamRecord, str]], outcome: Outcome, deadline: Deadline
    ) -> None:
        for record, reason in malformed:
            sequence = sequence_of(record)
            if sequence is not None and sequence > min(outcome.failed, default=sequence):
                # Lambda sends this record again, after the failed one. Parking it now would park it
                # twice.
                continue
            try:
                deadline.check("park a record")
                self._parking.park(record, reason)
            except (QueueSendError, DeadlineNearError) as error:
                if sequence is None:  # A batch item failure cannot name it.
                    raise QueueSendError(
                        "a record without a sequence number was not parked"
                    ) from error
                self._telemetry.problem(
                    "record not parked", error=type(error).__name__, detail=str(error)
                )
                outcome.failed.append(sequence)
            else:
                outcome.parked += 1
                self._telemetry.event("record parked", sequence_number=str(sequence))

    def _emit_metrics(self, outcome: Outcome) -> None:
        measure = self._telemetry.measure
        measure(Metric.STREAM_RECORDS_PROCESSED, outcome.records)
        measure(Metric.SQS_MESSAGES_QUEUED, outcome.queued_messages)
        measure(Metric.STREAM_PROCESSING_ERRORS, outcome.parked + len(outcome.failed))
        measure(Metric.RECORDS_PARKED, outcome.parked)
        self._telemetry.event(
            "batch processed",
            records=outcome.records,
            changes=outcome.changes,
            queued_messages=outcome.queued_messages,
            parked=outcome.parked,
            disabled=outcome.disabled,
            failed_from=outcome.failed_from,
        )


def _ends(records: Sequence[StreamRecord]) -> dict[str, str]:
    """Return the first and last sequence number of a batch, by which its trace is found."""
    first, last = _first_number(records), _first_number(reversed(records))
    return {} if first is None or last is None else {"first": str(first), "last": str(last)}


def _first_number(records: Iterable[StreamRecord]) -> int | None:
    """Return the sequence number of the first record that has one.

    A shard delivers its records in order. Only malformed records are skipped.
    """
    return next((n for n in map(sequence_of, records) if n is not None), None)


def _lowest(failed: Iterable[int], records: Iterable[StreamRecord]) -> str | None:
    lowest = min(failed, default=None)
    if lowest is None:
        return None
    return next(sequence_text(record) for record in records if sequence_of(record) == lowest)
