"""The dead-letter queue of the stream in SQS."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from receipt_sync.errors import QueueSendError
from receipt_sync.sqs_text import attribute
from stream_processor.detection import StreamRecord
from stream_processor.parking import member, parked_body
from stream_processor.sqs_publisher import reason_of

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class SQSParking:
    """Stores records in SQS: the body is the record as JSON.

    The message attributes are `source`, `reason` and `stream_record_id`.
    """

    def __init__(self, client: "SQSClient", queue_url: str) -> None:
        self._client, self._queue_url = client, queue_url

    def park(self, record: StreamRecord, reason: str) -> None:
        """See Parking.park."""
        event_id = member(record, "eventID")
        try:
            self._client.send_message(
                QueueUrl=self._queue_url,
                MessageBody=parked_body(record),
                MessageAttributes={
                    "source": attribute("dynamodb_stream"),
                    "reason": attribute(reason),
                    "stream_record_id": attribute(event_id if isinstance(event_id, str) else ""),
                },
            )
        except (ClientError, BotoCoreError) as error:
            raise QueueSendError(
                f"the stream's dead-letter queue did not store a record ({reason_of(error)})"
            ) from error
