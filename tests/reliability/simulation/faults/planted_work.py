"""Planted bugs of reads, leases, bisection and drains."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from operator import attrgetter
from typing import Any
from unittest.mock import patch

import compactor.batch.bisection
import compactor.batch.compaction
import compactor.batch.division
import compactor.locking.dynamodb_lock_table
from compactor.batch.bisection import _Bisection
from compactor.batch.compaction import Compactor
from compactor.batch.sqs_queue import SQSCompactionQueue
from compactor.batch.work import Work
from compactor.cycle.dynamodb_source import DynamoDBSource
from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from receipt_index.snapshot.store.s3_store import S3SnapshotStore


def query_without_consistent_read() -> AbstractContextManager[Any]:
    """Read the members of a receipt as they were some seconds ago."""
    call = DynamoDBSource._call

    def stale(self: Any, method: Any, deadline: Any, **arguments: Any) -> Any:
        arguments.pop("ConsistentRead", None)
        return call(self, method, deadline, **arguments)

    return patch.object(DynamoDBSource, "_call", stale)


def attribute_error_on_a_rare_branch() -> AbstractContextManager[Any]:
    """Use a misspelt name in a branch that runs only after unprocessed keys and throttles."""

    def pause(self: Any, *_: Any) -> None:
        self._telemetry.misspelt("waiting")

    return patch.object(DynamoDBSource, "_pause", pause)


@contextmanager
def lease_that_does_not_know_its_owner() -> Iterator[None]:
    """Treat an own lease as another worker's lease after its answer was lost."""
    conditionally = DynamoDBLockTable._conditionally

    def unless_held(self: Any, call: Any, **arguments: Any) -> Any:
        condition = arguments["ConditionExpression"].removesuffix(" OR #owner = :owner")
        return conditionally(self, call, **{**arguments, "ConditionExpression": condition})

    with (
        patch.object(DynamoDBLockTable, "_conditionally", unless_held),
        patch.object(compactor.locking.dynamodb_lock_table, "_owner_of", lambda _: "another-owner"),
    ):
        yield


def publish_refused_by_its_own_effect() -> AbstractContextManager[Any]:
    """Treat an own manifest as another worker's manifest after its answer was lost."""
    return patch.object(S3SnapshotStore, "_etag_of", lambda *_: None)


def bisection_that_parks_at_the_first_failure() -> AbstractContextManager[Any]:
    """Treat a unit that failed once as poison if another unit succeeded meanwhile."""
    return patch.object(compactor.batch.bisection, "_TRIES", 1)


def bisection_that_forgets_a_half() -> AbstractContextManager[Any]:
    """Retry only the first half of failed work. An assertion in production detects it."""
    halves = Work.halves
    return patch.object(Work, "halves", lambda self: (halves(self)[0], Work()))


def bisection_that_settles_what_failed() -> AbstractContextManager[Any]:
    """Count a unit that failed alone as done."""
    failed = _Bisection._failed

    def settled(self: Any, part: Any, error: Exception) -> None:
        if part.work.size == 1:
            self._settle(part.work, Work())
        else:
            failed(self, part, error)

    return patch.object(_Bisection, "_failed", settled)


def drain_that_acknowledges_at_once() -> AbstractContextManager[Any]:
    """Delete the received messages of a drain before they are applied."""
    receive = SQSCompactionQueue.receive

    def receive_and_delete(self: Any, at_most: int) -> Any:
        messages = receive(self, at_most)
        self.delete(messages)
        return messages

    return patch.object(SQSCompactionQueue, "receive", receive_and_delete)


def batch_that_is_never_divided() -> AbstractContextManager[Any]:
    """Handle all messages together, however often they came."""
    return patch.object(compactor.batch.compaction, "divided", lambda messages: [messages])


def order_that_never_changes() -> AbstractContextManager[Any]:
    """Begin with the same message at each delivery."""
    by_id = partial(sorted, key=attrgetter("message_id"))
    return patch.object(compactor.batch.division, "_ordered", by_id)


def finished_messages_acknowledged_late() -> AbstractContextManager[Any]:
    """Acknowledge nothing before the end of the batch, which a killed worker never reaches."""
    return patch.object(Compactor, "_acknowledge", lambda *_: None)
