"""Entry point of the compactor.

An SQS event is answered with a partial batch response. A direct invocation with `{}` drains the
queue and is answered with a report.
"""

import gc
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Final

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from compactor.allocator import Allocator, this_process
from compactor.batch.drain import drain
from compactor.batch.entries import QueueMessage
from compactor.batch.returning import return_in_time
from compactor.batch.sqs_queue import receive_count
from compactor.wiring import Worker, build_worker
from receipt_functions.telemetry import PowertoolsTelemetry
from receipt_sync.deadline import Deadline
from receipt_sync.errors import TransientError
from receipt_sync.settings import CompactorSettings
from receipt_sync.telemetry import COMPACTION_NAMESPACE

_MARGIN_SECONDS: Final = 3.0
"""Seconds of the remaining time that are reserved for the answer itself."""


class ReturnedToQueueError(TransientError):
    """The error for a message that was not applied. Its text gives the reason."""


@lru_cache(maxsize=1)
def _settings() -> CompactorSettings:
    return CompactorSettings.read()


@lru_cache(maxsize=1)
def _telemetry() -> PowertoolsTelemetry:
    settings = _settings()
    return PowertoolsTelemetry.of(
        "compactor", COMPACTION_NAMESPACE, settings.environment, settings.log_level
    )


@lru_cache(maxsize=1)
def _worker() -> Worker:
    worker = build_worker(_settings(), _telemetry())
    gc.freeze()  # later collections skip objects that live as long as the function
    return worker


@lru_cache(maxsize=1)
def _allocator() -> Allocator:
    return this_process()


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Handle an SQS event, or drain the queue for `{}`. Raises SettingsError, ValueError."""
    allocator = _allocator()  # before anything starts a thread
    telemetry = _telemetry()
    telemetry.logger.append_keys(request_id=context.aws_request_id)
    try:
        with telemetry.invocation(_trace_headers(event)):
            if not event:
                return _drain(context)
            if "Records" in event:
                return _handle_batch(event, context)
    finally:
        allocator.give_back()
    raise ValueError("an event is an SQS event with Records, or {} to drain the queue")


def _trace_headers(event: dict[str, Any]) -> list[str]:
    sent = (record.get("attributes", {}) for record in event.get("Records", []))
    return [each["AWSTraceHeader"] for each in sent if "AWSTraceHeader" in each]


def _drain(context: LambdaContext) -> dict[str, Any]:
    worker = _worker()
    deadline = _deadline(worker, context)
    return asdict(drain(worker.queue, worker.compactor, deadline, worker.clock))


def _handle_batch(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    worker = _worker()
    messages = [
        QueueMessage(
            r["messageId"],
            r["body"],
            r.get("receiptHandle", ""),
            receive_count(r.get("attributes", {})),
        )
        for r in event["Records"]
    ]
    report = worker.compactor.handle(messages, _deadline(worker, context), worker.queue.delete)
    return_in_time(worker.queue, messages, report.retry_at, worker.clock.now())

    def settle(record: SQSRecord) -> None:
        reason = report.returned.get(record.message_id)
        if reason is not None:
            raise ReturnedToQueueError(reason)

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    answer = process_partial_response(event, settle, processor, context)
    return dict(answer)


def _deadline(worker: Worker, context: LambdaContext) -> Deadline:
    return Deadline(worker.clock, context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS)
