"""Parts of the stream that are read again and sent as changes."""

import json
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError

from receipt_ops.dead_letters.content import FailureRecord, content_of
from receipt_ops.dead_letters.replaying import (
    DynamoDBStream,
    StreamGoneError,
    StreamUnreadError,
    replay,
)
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line
from tests.unit.receipt_ops.dead_letters.in_memory_queue import (
    FAILURE,
    MALFORMED,
    TABLE_ARN,
    Changes,
    Stream,
    record,
)


def failure() -> FailureRecord:
    content = content_of(json.dumps(FAILURE))
    assert isinstance(content, FailureRecord)
    return content


def test_a_part_of_the_stream_is_sent_as_the_changes_that_it_holds() -> None:
    changes = Changes()
    odd = {"eventID": "odd", "dynamodb": {"Keys": MALFORMED}}
    others = record(101)
    others["dynamodb"]["Keys"]["PK"] = {"S": "USER#1"}
    stream = Stream(record(100), others, odd, record(102, 1, "newer"), record(103, 2))
    done = replay(failure(), stream, changes, dry_run=False)
    assert (done.records, done.changes, done.messages) == (5, 2, 1)
    assert done.malformed == ["odd"]
    assert {c.key: c.changes["text"].new for c in changes.sent} == {
        line(1): "newer",
        line(2): "new",
    }
    assert changes.sent[0].timestamp == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_dry_replay_sends_nothing_and_a_dropped_part_is_reported() -> None:
    changes = Changes()
    assert (
        replay(failure(), Stream(*map(record, (100, 101, 102))), changes, dry_run=True).records == 3
    )
    assert changes.sent == []
    with pytest.raises(StreamGoneError):
        replay(failure(), Stream(), changes, dry_run=False)


class Shard:
    """A streams client with one shard, two records a page; None is a record of no entity."""

    def __init__(self, *numbers: int | None, gone: str | None = None) -> None:
        self.numbers, self.gone = numbers, gone
        self.asked: dict[str, Any] = {}

    def get_shard_iterator(self, **arguments: Any) -> Any:
        self.asked = arguments
        if self.gone:
            raise ClientError({"Error": {"Code": self.gone}}, "GetShardIterator")
        return {"ShardIterator": "0"}

    def get_records(self, ShardIterator: str) -> Any:  # noqa: N803 as boto3 calls it
        at = int(ShardIterator)
        some = self.numbers[at : at + 2]
        page = {"Records": [record(number) for number in some if number is not None]}
        return page if at + 2 >= len(self.numbers) else {**page, "NextShardIterator": str(at + 2)}


def numbers_of(shard: Shard) -> list[str]:
    found = DynamoDBStream(shard, ManualClock(), Random(1), TABLE_ARN).between(failure())  # type: ignore[arg-type]
    return [one["dynamodb"]["SequenceNumber"] for one in found]


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:dynamodb:eu-west-1:1:table/receipts-2/stream/2026-01-01",
        "arn:aws:dynamodb:us-east-1:1:table/receipts/stream/2026-01-01",
        "arn:aws:dynamodb:eu-west-1:2:table/receipts/stream/2026-01-01",
        "nonsense",
    ],
)
def test_a_part_of_another_tables_stream_is_refused_and_not_called_sent(arn: str) -> None:
    """Its dead letter was deleted, and nothing of the other table was repaired."""
    shard: Any = Shard(100, 101, 102)
    stream = DynamoDBStream(shard, ManualClock(), Random(1), TABLE_ARN)
    with pytest.raises(StreamUnreadError, match="with the settings of its own deployment"):
        list(stream.between(failure()._replace(stream_arn=arn)))


def test_records_are_read_from_the_first_to_the_last_and_no_further() -> None:
    shard = Shard(100, 101, 102, 103, 104)
    assert numbers_of(shard) == ["100", "101", "102"]
    assert shard.asked["ShardIteratorType"] == "AT_SEQUENCE_NUMBER"
    assert shard.asked["SequenceNumber"] == "100"
    assert numbers_of(Shard(100, 105)) == ["100"]
    with pytest.raises(StreamGoneError, match="the shard ends before the last"):
        numbers_of(Shard(100))


def test_records_after_many_empty_pages_are_read() -> None:
    shard = Shard(100, 101, *[None] * 400, 102)
    assert numbers_of(shard) == ["100", "101", "102"]


def test_a_part_that_is_not_read_to_its_end_in_time_is_not_taken_for_a_whole_one() -> None:
    with pytest.raises(StreamUnreadError, match="sent nothing of it"):
        numbers_of(Shard(100, 101, *[None] * 20_000, 102))


def test_a_part_of_which_the_stream_lacks_records_is_gone_and_nothing_is_sent() -> None:
    changes = Changes()
    with pytest.raises(StreamGoneError, match="2 of 3"):
        replay(failure(), Stream(record(100), record(102)), changes, dry_run=False)
    assert changes.sent == []


class Throttled(Shard):
    """Refuses the first calls of each kind."""

    def __init__(self, *numbers: int, refusals: int, code: str) -> None:
        super().__init__(*numbers)
        self.left = {"GetShardIterator": refusals, "GetRecords": refusals}
        self.code = code

    def get_shard_iterator(self, **arguments: Any) -> Any:
        self._refuse("GetShardIterator")
        return super().get_shard_iterator(**arguments)

    def get_records(self, ShardIterator: str) -> Any:  # noqa: N803 as boto3 calls it
        self._refuse("GetRecords")
        return super().get_records(ShardIterator)

    def _refuse(self, operation: str) -> None:
        if self.left[operation]:
            self.left[operation] -= 1
            raise ClientError({"Error": {"Code": self.code}}, operation)


@pytest.mark.parametrize(
    "code",
    ["LimitExceededException", "ProvisionedThroughputExceededException", "InternalServerError"],
)
def test_a_part_is_read_again_after_calls_that_were_throttled(code: str) -> None:
    shard = Throttled(100, 101, 102, refusals=5, code=code)
    assert numbers_of(shard) == ["100", "101", "102"]


def test_calls_that_are_throttled_for_ever_are_given_up_and_others_at_once() -> None:
    for code, longer_than in {"LimitExceededException": 59, "AccessDeniedException": -1}.items():
        clock, shard = ManualClock(), Throttled(100, refusals=10_000, code=code)
        stream = DynamoDBStream(shard, clock, Random(1), TABLE_ARN)  # type: ignore[arg-type]
        with pytest.raises(ClientError, match=code):
            list(stream.between(failure()))
        assert longer_than < clock.elapsed < longer_than + 10


@pytest.mark.parametrize("code", ["TrimmedDataAccessException", "ResourceNotFoundException"])
def test_records_that_the_stream_has_dropped_are_gone(code: str) -> None:
    with pytest.raises(StreamGoneError, match="repair"):
        numbers_of(Shard(gone=code))


def test_a_stream_that_can_not_be_read_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(ClientError):
        numbers_of(Shard(gone="AccessDeniedException"))
