"""The replay of a part of the stream that Lambda gave up, while the stream still holds it.

The stream keeps records for a day. The entities of dropped records are unknown. Then
`receipt-sync repair` must compare the whole table and repair the differences.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError, ParamValidationError

from receipt_ops.dead_letters.content import FailureRecord
from receipt_ops.dynamodb_table_pages import THROTTLES
from receipt_ops.errors import OperationError
from receipt_ops.repair.changes import ChangeSink
from receipt_sync.clock import Clock
from receipt_sync.errors import PermanentError
from receipt_sync.retries.backoff import pauses
from stream_processor.coalescing import coalesce
from stream_processor.detection import EntityChange, detect, sequence_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

_GONE: Final = frozenset(
    {"ExpiredIteratorException", "ResourceNotFoundException", "TrimmedDataAccessException"}
)
PATIENCE_SECONDS: Final = 600.0
"""The time limit for a part. A shard may answer with many empty pages before its next record."""
_THROTTLED_SECONDS: Final = 60.0
"""The time limit for the retries of a throttled call. The iterator is valid for 15 minutes."""
_THROTTLES: Final = THROTTLES | {"LimitExceededException", "TooManyRequestsException", "Throttling"}
_PAUSE_SECONDS: Final = 0.2
"""The pause after an empty page. A shard accepts five calls per second."""


_GO_ON: Final = "compare the whole table and repair the differences with `receipt-sync repair`"


_NO_PART: Final = (
    "it does not name a part of a stream in the format of DynamoDB: repair its sender, find the "
    "differences with `receipt-sync verify`, then drop it with `receipt-sync dlq drop`"
)


class StreamGoneError(OperationError):
    """The stream no longer holds the records."""


class StreamUnreadError(OperationError):
    """A part of the stream was not read to its end, or cannot be requested. Nothing was sent."""


class StreamRecords(Protocol):
    """The records of a stream."""

    def between(self, record: FailureRecord) -> Iterator[Mapping[str, Any]]:
        """Yield the records from a failure record's first to its last. Raises StreamGoneError."""
        ...


@dataclass
class Replayed:
    """The result of a replay. `malformed` holds the event ids of records that cannot be sent."""

    records: int = 0
    changes: int = 0
    messages: int = 0
    malformed: list[str] = field(default_factory=list)


def replay(
    record: FailureRecord, stream: StreamRecords, changes: ChangeSink, *, dry_run: bool
) -> Replayed:
    """Send the changes of a part of the stream.

    The function sends nothing before it has read the whole part. Raises StreamGoneError if the
    stream no longer holds all of it. Raises StreamUnreadError too.
    """
    done = Replayed()
    found = list(_detected(stream.between(record), done))
    if done.records < record.size:
        raise StreamGoneError(
            f"the stream holds only {done.records} of {record.size} records: {_GO_ON}"
        )
    merged = coalesce(found)
    done.changes = len(merged)
    if merged and not dry_run:
        done.messages = changes.send(merged)
    return done


def _detected(records: Iterator[Mapping[str, Any]], done: Replayed) -> Iterator[EntityChange]:
    for record in records:
        done.records += 1
        try:
            change = detect(_as_in_an_event(record))
        except PermanentError:
            done.malformed.append(str(record.get("eventID", "")))
            continue
        if change is not None:
            yield change


def _as_in_an_event(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record in the form of a Lambda event, with epoch seconds instead of a datetime."""
    data = dict(record["dynamodb"])
    created = data.get("ApproximateCreationDateTime")
    if isinstance(created, datetime):
        data["ApproximateCreationDateTime"] = created.timestamp()
    return {**record, "dynamodb": data}


class DynamoDBStream:
    """StreamRecords of a table of DynamoDB. It retries a throttled call with back-off."""

    def __init__(
        self, client: "DynamoDBStreamsClient", clock: Clock, randomness: Random, table_arn: str
    ) -> None:
        self._client, self._clock, self._randomness = client, clock, randomness
        self._table_arn = table_arn

    def between(self, record: FailureRecord) -> Iterator[Mapping[str, Any]]:
        """See StreamRecords.between. Raises StreamUnreadError for a stream of another table."""
        if not record.stream_arn.startswith(f"{self._table_arn}/stream/"):
            raise StreamUnreadError(
                f"it names a part of the stream {record.stream_arn}, and the table is "
                f"{self._table_arn}: replay it with the settings of its own deployment"
            )
        last = int(record.end)
        for found in self._records(record):
            sequence = sequence_of(found) or 0
            if sequence <= last:
                yield found
            if sequence >= last:
                return
        raise StreamGoneError(f"the shard ends before the last of these records: {_GO_ON}")

    def _records(self, record: FailureRecord) -> Iterator[Mapping[str, Any]]:
        end = self._clock.monotonic() + PATIENCE_SECONDS
        iterator = self._iterator(record)
        while iterator is not None:
            if self._clock.monotonic() > end:
                raise StreamUnreadError(
                    "the command could not read the part to its end in "
                    f"{PATIENCE_SECONDS:.0f} s and sent nothing of it: run the command again"
                )
            page = self._call(self._client.get_records, ShardIterator=iterator)
            yield from page["Records"]
            if not page["Records"]:
                self._clock.sleep(_PAUSE_SECONDS)
            iterator = page.get("NextShardIterator")

    def _iterator(self, record: FailureRecord) -> str | None:
        answer = self._call(
            self._client.get_shard_iterator,
            StreamArn=record.stream_arn,
            ShardId=record.shard_id,
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=record.start,
        )
        iterator: str | None = answer.get("ShardIterator")
        return iterator

    def _call(self, call: Any, **arguments: Any) -> Any:
        try:
            return self._patiently(call, arguments)
        except ParamValidationError:
            raise StreamUnreadError(_NO_PART) from None
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ValidationException":
                raise StreamUnreadError(_NO_PART) from None
            if error.response.get("Error", {}).get("Code") in _GONE:
                raise StreamGoneError(
                    f"the stream no longer holds these records: {_GO_ON}"
                ) from None
            raise

    def _patiently(self, call: Any, arguments: Mapping[str, Any]) -> Any:
        end = self._clock.monotonic() + _THROTTLED_SECONDS
        for pause in pauses(self._randomness):
            try:
                return call(**arguments)
            except ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code not in _THROTTLES or self._clock.monotonic() > end:
                    raise
            self._clock.sleep(pause)
        raise AssertionError("pauses never end")
