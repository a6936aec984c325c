"""Reads a table's stream as Lambda's event source mapping does."""

import time
from datetime import datetime
from typing import Any, Final

import boto3

from benchmarks.errors import BenchmarkError
from local.stack import Stack

_PATIENCE: Final = 10.0


class Shard:
    """The only shard of a local table's stream. It is read from its present end."""

    def __init__(self, stack: Stack) -> None:
        arn = stack.table.stream_arn
        self._quiet = boto3.Session().client("dynamodbstreams")
        self._client = boto3.client("dynamodbstreams")
        shards = self._quiet.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        self._iterator = self._quiet.get_shard_iterator(
            StreamArn=arn, ShardId=shards[-1]["ShardId"], ShardIteratorType="LATEST"
        )["ShardIterator"]

    def records(self, count: int) -> list[dict[str, Any]]:
        """Return the next `count` receipt records as an event holds them, with one counted call.

        Raises:
            BenchmarkError: The stream does not have so many records.
        """
        found: list[dict[str, Any]] = []
        end = time.monotonic() + _PATIENCE
        client: Any = self._client
        while len(found) < count and time.monotonic() < end:
            answer = client.get_records(ShardIterator=self._iterator, Limit=1_000)
            self._iterator, client = answer["NextShardIterator"], self._quiet
            found += [_as_event(one) for one in answer["Records"] if _is_of_receipt(one)]
        if len(found) != count:
            raise BenchmarkError(f"the stream has {len(found)} records instead of {count}")
        return found


def _is_of_receipt(record: Any) -> bool:
    """Return whether a record is of a receipt. The mapping's filter drops those of the lease."""
    return bool(record["dynamodb"]["Keys"]["PK"]["S"].startswith("IMAGE#"))


def _as_event(record: Any) -> dict[str, Any]:
    data = dict(record["dynamodb"])
    created: datetime = data["ApproximateCreationDateTime"]
    data["ApproximateCreationDateTime"] = created.timestamp()
    return {**record, "dynamodb": data}
