"""Build the stream processor from its settings. Only this module uses every adapter."""

from random import SystemRandom
from typing import Any, Final

import boto3
from botocore.config import Config

from receipt_sync.settings import StreamProcessorSettings
from receipt_sync.telemetry import Telemetry
from stream_processor.processor import StreamProcessor
from stream_processor.sqs_parking import SQSParking
from stream_processor.sqs_publisher import SQSChangePublisher

_CLIENT: Final = Config(
    connect_timeout=3, read_timeout=10, retries={"mode": "standard", "max_attempts": 2}
)


def build_processor(settings: StreamProcessorSettings, telemetry: Telemetry) -> StreamProcessor:
    """Return a stream processor with its own client."""
    sqs: Any = boto3.client("sqs", config=_CLIENT)
    publisher = SQSChangePublisher(sqs, settings.compaction_queue_url, SystemRandom(), telemetry)
    parking = SQSParking(sqs, settings.stream_dlq_url)
    return StreamProcessor(publisher, parking, settings.enabled_types, telemetry)
