"""Lambda entry point of the stream processor: takes a stream event, returns batch item failures."""

import gc
from functools import lru_cache
from typing import Any, Final

from aws_lambda_powertools.utilities.typing import LambdaContext

from receipt_functions.telemetry import PowertoolsTelemetry
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.settings import StreamProcessorSettings
from receipt_sync.telemetry import STREAM_PROCESSOR_NAMESPACE, Metric
from stream_processor.processor import StreamProcessor
from stream_processor.wiring import build_processor

_MARGIN_SECONDS: Final = 2.0
"""Seconds of the remaining time that are reserved for the response."""
_CLOCK: Final = SystemClock()


@lru_cache(maxsize=1)
def _settings() -> StreamProcessorSettings:
    return StreamProcessorSettings.read()


@lru_cache(maxsize=1)
def _telemetry() -> PowertoolsTelemetry:
    settings = _settings()
    return PowertoolsTelemetry.of(
        "stream_processor", STREAM_PROCESSOR_NAMESPACE, settings.environment, settings.log_level
    )


@lru_cache(maxsize=1)
def _processor() -> StreamProcessor:
    processor = build_processor(_settings(), _telemetry())
    # The garbage collector need not inspect objects that live as long as the function.
    gc.freeze()
    return processor


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Send the changes of a stream event to the queue, and return the batch item failures.

    The response names the lowest sequence number that failed, if any. Lambda retries from there:
    https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html

    Raises SettingsError. Raises ValueError if the event has no list of Records. Raises
    QueueSendError if no message and no record reached a queue.
    """
    telemetry = _telemetry()
    telemetry.logger.append_keys(request_id=context.aws_request_id)
    begun = _CLOCK.monotonic()
    with telemetry.invocation():
        deadline = Deadline(_CLOCK, context.get_remaining_time_in_millis() / 1000 - _MARGIN_SECONDS)
        outcome = _processor().process(_records(event), deadline)
        elapsed = 1000 * (_CLOCK.monotonic() - begun)
        telemetry.measure(Metric.STREAM_PROCESSING_LATENCY, elapsed)
    failed = outcome.failed_from
    return {"batchItemFailures": [] if failed is None else [{"itemIdentifier": failed}]}


def _records(event: dict[str, Any]) -> list[Any]:
    records = event.get("Records")
    if not isinstance(records, list):
        raise ValueError("an event of a DynamoDB stream has a list of Records")
    return records
