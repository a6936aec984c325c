"""Send deltas to the compactor: objects in the bucket, then messages in the queue.

`vector_sender` puts checks and one call in front of it (design: Delta message).
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from receipt_index.deltas import VectorBatch, Vectors, check_vectors, encode
from receipt_index.lost_answers import status_of
from receipt_sync.errors import DeltaExistsError, QueueSendError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, to_body
from receipt_sync.retries.retry_until_accepted import PATIENCE_SECONDS, RetryUntilAccepted
from receipt_sync.sequences import batches

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

_MESSAGES_A_CALL: Final = 10
_TAKEN: Final = (409, 412)
"""412: the object exists. 409: another put of the same key is in progress.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""


class DeltaSender:
    """Stores delta objects and sends their messages.

    `new_id` makes increasing ULIDs. The compactor uses the vector of a record's newest delta.
    """

    def __init__(
        self,
        s3: "S3Client",
        bucket: str,
        sqs: "SQSClient",
        queue_url: str,
        retry: RetryUntilAccepted,
        new_id: Callable[[], str],
    ) -> None:
        self._s3, self._bucket, self._sqs, self._queue_url = s3, bucket, sqs, queue_url
        self._retry, self._new_id = retry, new_id

    def put(
        self,
        collection: Collection,
        keys: Sequence[EntityKey],
        vectors: Vectors,
        texts: Sequence[str],
        model: str | None = None,
    ) -> Delta:
        """Store one delta object. Row i of `vectors` is the vector of `texts[i]` for `keys[i]`."""
        ids = tuple(key.chroma_id for key in keys)
        batch = VectorBatch(self._new_id(), ids, vectors, tuple(texts))
        return self.store(collection, batch, model)

    def store(self, collection: Collection, batch: VectorBatch, model: str | None = None) -> Delta:
        """Store one delta object under its own id. `model` goes into the delta's message.

        This never overwrites an object, because another record may depend on it. Raises
        DeltaExistsError, and DeltaRefusedError for a vector that the compactor would refuse.
        """
        check_vectors(batch)
        delta = Delta.of(collection, batch.delta_id, len(batch.ids), model)
        try:
            self._s3.put_object(
                Bucket=self._bucket, Key=delta.delta_key, Body=encode(batch), IfNoneMatch="*"
            )
        except ClientError as error:
            if status_of(error) in _TAKEN:
                raise DeltaExistsError(
                    f"{delta.delta_key} exists already: send the delta under another id"
                ) from error
            raise
        return delta

    def send(self, deltas: Sequence[Delta]) -> None:
        """Send the messages of stored deltas to the compactor. Raises QueueSendError."""
        for some in batches(deltas, _MESSAGES_A_CALL):
            self._retry.until_accepted(some, self._offer, self._refused)

    def _offer(self, deltas: Sequence[Delta]) -> Sequence[Delta]:
        answer = self._sqs.send_message_batch(
            QueueUrl=self._queue_url,
            Entries=[_entry(number, delta) for number, delta in enumerate(deltas)],
        )
        failed = answer.get("Failed", [])
        final = sorted({entry["Code"] for entry in failed if entry["SenderFault"]})
        if final:
            raise QueueSendError(
                f"the compaction queue refused delta messages with {', '.join(final)}: "
                "check COMPACTION_QUEUE_URL and the settings of the queue"
            )
        return [deltas[int(entry["Id"])] for entry in failed]

    def _refused(self, left: int) -> QueueSendError:
        return QueueSendError(
            f"the compaction queue did not accept {left} delta messages for "
            f"{PATIENCE_SECONDS:.0f} s: run the command again"
        )


def _entry(number: int, delta: Delta) -> Any:
    attributes = {"source": delta.source, "collection": delta.collection.value}
    return {
        "Id": str(number),
        "MessageBody": to_body(delta),
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
        },
    }
