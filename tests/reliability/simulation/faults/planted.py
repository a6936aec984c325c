"""Planted bugs in production that lose data silently.

A test shows that the simulation detects each of them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from unittest.mock import patch

import compactor.cycle.cycle
import compactor.cycle.plan
import compactor.locking.dynamodb_lock_table
import receipt_index.snapshot.copies.synchronise
import receipt_index.snapshot.copies.working_copy
import stream_processor.coalescing
import stream_processor.processor
from compactor.batch.compaction import Compactor
from compactor.batch.sqs_dead_letters import SQSDeadLetterQueue
from compactor.cycle.closure import Closure, closure_of
from compactor.cycle.cycle import Cycle
from compactor.cycle.dynamodb_source import DynamoDBSource
from compactor.cycle.projection import Part
from compactor.cycle.truth import add_members, read_truth
from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from compactor.locking.lease import Lease
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.copies.working_copy import Published, WorkingCopy
from receipt_index.snapshot.store.retirement import Expiry
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.deadline import Deadline
from receipt_sync.errors import TableReadError
from stream_processor.detection import detect
from stream_processor.sqs_publisher import SQSChangePublisher
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.faults import (
    planted_exact,
    planted_rebuild,
    planted_server,
    planted_snapshot,
    planted_work,
)

Planting = Callable[[], AbstractContextManager[Any]]


def unconditional_manifest_write() -> AbstractContextManager[Any]:
    """Put the manifest without a condition."""

    def swap(self: Any, data: bytes, expected_etag: str | None) -> str:
        put = self._client.put_object(Bucket=self._bucket, Key=self._manifest, Body=data)
        return str(put["ETag"])

    return patch.object(S3SnapshotStore, "swap_manifest", swap)


def acknowledge_before_publish() -> AbstractContextManager[Any]:
    """Publish a version only at the next checkout, long after its messages are acknowledged."""
    publish, checkout = WorkingCopy.publish, WorkingCopy.checkout

    def postpone(self: Any, record_count: int | None) -> Published:
        self.postponed = record_count
        return Published(self.version + 1, 0)

    def catch_up(self: Any, deadline: Deadline) -> Any:
        if hasattr(self, "postponed"):
            publish(self, vars(self).pop("postponed"))
        return checkout(self, deadline)

    return patch.multiple(WorkingCopy, publish=postpone, checkout=catch_up)


def failure_taken_for_success() -> AbstractContextManager[Any]:
    """Do not return the messages of a failed cycle."""
    return patch.object(Compactor, "_fail", lambda *_: None)


def empty_cycle_without_a_publish() -> AbstractContextManager[Any]:
    """Acknowledge a cycle without changes on the basis of the checked-out version."""
    publish = WorkingCopy.publish

    def only_if_written(self: Any, record_count: int | None) -> Published:
        if record_count is None and self.version:
            return Published(self.version, 0)
        return publish(self, record_count)

    return patch.object(WorkingCopy, "publish", only_if_written)


@contextmanager
def truth_before_checkout() -> Iterator[None]:
    """Read the table first, and check out the snapshot afterwards."""
    run = Cycle._run
    early: dict[int, Any] = {}

    def read_first(self: Any, work: Any, deadline: Any) -> Any:
        embedded = [key for batch in work.vectors for key in batch.keys]
        closure = closure_of(work.changes, embedded)
        unfinished = add_members(
            self._source, closure, work.done, self.collection, self._most, deadline
        )
        early[id(self._source)] = closure, unfinished, read_truth(self._source, closure, deadline)
        return run(self, work, deadline)

    def added_already(source: Any, closure: Closure, *_: Any) -> Any:
        read, unfinished, _ = early[id(source)]
        closure.records, closure.members = read.records, read.members
        return unfinished

    def read_already(source: Any, *_: Any) -> Any:
        return early.pop(id(source))[2]

    with (
        patch.object(Cycle, "_run", read_first),
        patch.object(compactor.cycle.cycle, "add_members", added_already),
        patch.object(compactor.cycle.cycle, "read_truth", read_already),
    ):
        yield


def heartbeat_that_revives() -> AbstractContextManager[Any]:
    """Extend the lease without a check of its owner."""

    def beat(self: Any) -> None:
        self._table.extend(self._state())
        self._good_until = self._clock.monotonic() + self._terms.duration.total_seconds()

    return patch.object(Lease, "beat", beat)


def partial_read_taken_for_absence() -> AbstractContextManager[Any]:
    """Do not read unprocessed keys again."""

    def get_once(self: Any, keys: Any, deadline: Any) -> Any:
        whole = self._call

        def without_unprocessed(*arguments: Any, **named: Any) -> Any:
            return {**whole(*arguments, **named), "UnprocessedKeys": {}}

        with patch.object(self, "_call", without_unprocessed):
            return get_group(self, keys, deadline)

    get_group = DynamoDBSource._get_group
    return patch.object(DynamoDBSource, "_get_group", get_once)


def throttle_taken_for_absence() -> AbstractContextManager[Any]:
    """Treat a failed read as one that found nothing."""
    get_group = DynamoDBSource._get_group

    def get_or_nothing(self: Any, keys: Any, deadline: Any) -> Any:
        try:
            return get_group(self, keys, deadline)
        except TableReadError:
            return {}

    return patch.object(DynamoDBSource, "_get_group", get_or_nothing)


def dirty_copy_reused() -> AbstractContextManager[Any]:
    """Keep the working copy after a failed cycle."""
    return patch.object(WorkingCopy, "discard", lambda self: setattr(self, "_dirty", False))


def release_of_anothers_lease() -> AbstractContextManager[Any]:
    """Delete the lease item without a check of its owner."""

    def release(self: Any, lock_id: str, owner: str) -> bool:
        return bool(
            self._conditionally(
                self._client.delete_item,
                Key=compactor.locking.dynamodb_lock_table._key(lock_id),
                ConditionExpression="attribute_not_exists(nothing)",
            )
        )

    return patch.object(DynamoDBLockTable, "release", release)


def older_vector_replaces_newer() -> AbstractContextManager[Any]:
    """Accept every vector, including older ones."""
    return patch.object(compactor.cycle.plan, "_is_newer", lambda *_: True)


def retirement_without_retention() -> AbstractContextManager[Any]:
    """Delete the objects that the current version does not need at once."""

    def all_expired(retired: Any, now: datetime, retention: timedelta) -> Any:
        return Expiry((), retired, ())

    return patch.object(receipt_index.snapshot.copies.working_copy, "split_expired", all_expired)


def closure_without_neighbours() -> AbstractContextManager[Any]:
    """Do not write a changed text into the neighbours of the record."""

    def closure(changes: Any, embedded: Any = ()) -> Closure:
        whole = closure_of(changes, embedded)
        kept = {k: p for k, p in whole.records.items() if p & ~Part.CONTEXT}
        return replace(whole, records=kept)

    return patch.object(compactor.cycle.cycle, "closure_of", closure)


def unsent_reported_as_sent() -> AbstractContextManager[Any]:
    """Do not report the messages that SQS refused."""
    send = SQSChangePublisher.send

    def send_and_forget(self: Any, messages: Any, deadline: Any) -> list[Any]:
        send(self, messages, deadline)
        return []

    return patch.object(SQSChangePublisher, "send", send_and_forget)


def coalescing_that_forgets() -> AbstractContextManager[Any]:
    """Keep only the fields of the last of several changes of an entity."""
    return patch.object(stream_processor.coalescing, "_merge", lambda earlier, later: later)


def removals_ignored() -> AbstractContextManager[Any]:
    """Ignore every REMOVE."""

    def without_removals(record: Any) -> Any:
        change = detect(record)
        return None if change is not None and change.event_name == "REMOVE" else change

    return patch.object(stream_processor.processor, "detect", without_removals)


def poison_dropped() -> AbstractContextManager[Any]:
    """Delete poison messages instead of parking them."""
    return patch.object(SQSDeadLetterQueue, "park", lambda *_: None)


def failed_base_left_in_the_mirror() -> AbstractContextManager[Any]:
    """Copy the files that a failed publish staged at the next checkout."""
    return patch.object(Mirror, "forget", lambda _: None)


def pack_without_removals() -> AbstractContextManager[Any]:
    """Leave files that a version removed in the copies of its readers."""
    difference = receipt_index.snapshot.copies.synchronise.difference

    def only_changes(old: Any, new: Any) -> Any:
        changed, _ = difference(old, new)
        return changed, ()

    return patch.object(receipt_index.snapshot.copies.working_copy, "difference", only_changes)


def deleted_object_used_again() -> AbstractContextManager[Any]:
    """Use an object again whose deletion another worker may be about to finish."""
    module = receipt_index.snapshot.copies.working_copy
    return patch.object(module, "being_deleted", lambda *_: frozenset())


class Bug(NamedTuple):
    """A planted bug, and the check that must find it."""

    plant: Planting
    check: Check


_FOUND_BY: Final[Mapping[Check, tuple[Planting, ...]]] = {
    Check.ACKNOWLEDGED: (
        acknowledge_before_publish,
        failure_taken_for_success,
        empty_cycle_without_a_publish,
        closure_without_neighbours,
        poison_dropped,
        planted_work.query_without_consistent_read,
        planted_work.bisection_that_settles_what_failed,
        planted_work.drain_that_acknowledges_at_once,
        planted_rebuild.rebuild_from_a_stale_version,
    ),
    Check.VERSIONS: (
        unconditional_manifest_write,
        pack_without_removals,
        planted_snapshot.block_in_place_unread,
        planted_snapshot.failed_upload_forgotten,
        planted_snapshot.base_that_only_grows_files,
        planted_snapshot.garbage_deleted_without_an_announcement,
    ),
    Check.VERSION_CONTENT: (
        partial_read_taken_for_absence,
        throttle_taken_for_absence,
        older_vector_replaces_newer,
        truth_before_checkout,
        planted_rebuild.rebuild_without_the_last_batch,
        planted_rebuild.rebuild_that_loses_a_field,
    ),
    Check.STREAM_POSITION: (unsent_reported_as_sent, coalescing_that_forgets, removals_ignored),
    Check.LEASE: (heartbeat_that_revives, release_of_anothers_lease),
    Check.DERIVED: (
        planted_exact.derived_file_not_updated_on_delete,
        planted_exact.derived_file_not_updated_on_replace,
        planted_exact.freed_row_searched,
        planted_exact.shared_row_freed,
    ),
    Check.CHECKOUT: (dirty_copy_reused, failed_base_left_in_the_mirror),
    Check.RETENTION: (
        retirement_without_retention,
        deleted_object_used_again,
        planted_snapshot.retired_objects_taken_for_garbage,
    ),
    Check.READER_CONTENT: (
        planted_snapshot.marks_that_start_equal,
        planted_snapshot.reader_that_believes_its_folder,
        planted_snapshot.mirror_that_is_not_brought_up,
    ),
    Check.READER_VERSION: (planted_snapshot.reader_that_follows_backwards,),
    Check.ERROR_TYPES: (
        planted_work.attribute_error_on_a_rare_branch,
        planted_work.bisection_that_forgets_a_half,
    ),
    Check.LOST_ANSWERS: (
        planted_work.lease_that_does_not_know_its_owner,
        planted_work.publish_refused_by_its_own_effect,
    ),
    Check.SET_ASIDE: (
        planted_work.bisection_that_parks_at_the_first_failure,
        planted_work.batch_that_is_never_divided,
        planted_work.order_that_never_changes,
        planted_work.finished_messages_acknowledged_late,
    ),
    Check.SERVER_CLAIM: (
        planted_server.server_written_to_without_a_claim,
        planted_server.claims_of_others_ignored,
        planted_server.unanswered_write_forgotten,
    ),
}
PLANTED: Final[Mapping[str, Bug]] = {
    plant.__name__: Bug(plant, check) for check, plants in _FOUND_BY.items() for plant in plants
}


def planted(name: str | None) -> AbstractContextManager[Any]:
    """Return production with the named bug, or without a bug for None."""
    return nullcontext() if name is None else PLANTED[name].plant()
