"""Replays a part of the stream that Lambda gave up, while the stream still holds it.

What the stream has dropped can't be asked for any more, so nobody knows which entities it was
about: then the whole table is compared, and what differs is repaired.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError, ParamValidationError

from operations.dead_letters.content import FailureRecord
from operations.errors import OperationError
from operations.repair.changes import ChangeSink
from operations.table_pages import THROTTLES
from receipt_sync.backoff import pauses
from receipt_sync.clock import Clock
from receipt_sync.errors import PermanentError
from stream_processor.coalescing import coalesce
from stream_processor.detection import EntityChange, detect, sequence_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodbstreams import DynamoDBStreamsClient

_GONE: Final = frozenset(
    {"ExpiredIteratorException", "ResourceNotFoundException", "TrimmedDataAccessException"}
)
PATIENCE_SECONDS: Final = 600.0
"""How long a part is read. A shard may answer with many empty pages before its next record."""
_THROTTLED_SECONDS: Final = 60.0
"""How long one call is tried again that the stream throttles; its iterator lasts for 15 minutes."""
_THROTTLES: Final = THROTTLES | {"LimitExceededException", "TooManyRequestsException", "Throttling"}
_PAUSE_SECONDS: Final = 0.2
"""After an empty page: a shard takes five calls a second."""


_GO_ON: Final = "what they were about is found by comparing the whole table, `receipt-sync repair`"


_NO_PART: Final = (
    "it names no part of a stream in DynamoDB's form: mend who sends it, find what it was about by "
    "`receipt-sync verify`, then `receipt-sync dlq drop` it"
)


class StreamGoneError(OperationError):
    """The stream does not hold the records any more."""


class StreamUnreadError(OperationError):
    """A part of the stream was not read to its end, or can't be asked for. Nothing was sent."""


class StreamRecords(Protocol):
    """The records of a stream."""

    def between(self, record: FailureRecord) -> Iterator[Mapping[str, Any]]:
        """Those from a failure record's first to its last. Raises StreamGoneError."""
        ...


@dataclass
class Replayed:
    """What a replay found and sent. `malformed` are the event ids of records that can't be sent."""

    records: int = 0
    changes: int = 0
    messages: int = 0
    malformed: list[str] = field(default_factory=list)


def replay(
    record: FailureRecord, stream: StreamRecords, changes: ChangeSink, *, dry_run: bool
) -> Replayed:
    """Send the changes of a part of the stream.

    Nothing is sent before the whole part was read. Raises StreamGoneError if the stream does not
    hold all of it any more, and StreamUnreadError.
    """
    done = Replayed()
    found = list(_detected(stream.between(record), done))
    if done.records < record.size:
        raise StreamGoneError(f"the stream holds {done.records} of {record.size} records: {_GO_ON}")
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
    """GetRecords gives a datetime where a Lambda event has epoch seconds."""
    data = dict(record["dynamodb"])
    created = data.get("ApproximateCreationDateTime")
    if isinstance(created, datetime):
        data["ApproximateCreationDateTime"] = created.timestamp()
    return {**record, "dynamodb": data}


class DynamoDBStream:
    """StreamRecords of DynamoDB. A call that is throttled is tried again, with back-off."""

    def __init__(self, client: "DynamoDBStreamsClient", clock: Clock, randomness: Random) -> None:
        self._client, self._clock, self._randomness = client, clock, randomness

    def between(self, record: FailureRecord) -> Iterator[Mapping[str, Any]]:
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
                    f"the part was not read to its end in {PATIENCE_SECONDS:.0f} s, and nothing of "
                    "it was sent: run the command again"
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
                    f"the stream does not hold these records any more: {_GO_ON}"
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
