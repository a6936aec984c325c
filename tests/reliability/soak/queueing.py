"""A long queue: messages wait while the function receives none, and then drain."""

import time
from collections.abc import Callable
from itertools import chain, islice, repeat
from random import Random, SystemRandom

from local.stack import Stack
from receipt_ops.connection import Connection
from receipt_ops.loading.items import Entity
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.probes.editing import edits
from receipt_ops.repair.changes import recompute
from receipt_ops.verification.settling import Backlog
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.null_telemetry import NullTelemetry
from stream_processor.packing import pack
from stream_processor.sqs_publisher import SQSChangePublisher

OnProgress = Callable[[str, int, int], None]
"""Called with the name of the step, the amount done, and the total."""


def take_messages(stack: Stack, *, enabled: bool) -> None:
    """Turn the queue's mapping on or off."""
    if stack.deployment is None:
        raise AssertionError("the functions are deployed")
    stack.clients().lambda_.update_event_source_mapping(
        UUID=stack.deployment.queue_mapping, Enabled=enabled
    )


def edit(connection: Connection, entities: list[Entity], count: int) -> None:
    """Change items, so that each cycle finds changes in the table."""
    editor = TableEditor(connection.dynamodb, connection.names.table)
    for one in islice(edits(entities, Random(4)), count):
        if one.fields is not None:
            editor.update(one.key, one.fields)


def send(
    connection: Connection, entities: list[Entity], count: int, on_progress: OnProgress
) -> None:
    """Send `count` messages, each about one record. Raises RuntimeError if some are refused."""
    clock = SystemClock()
    url = connection.names.compaction_queue_url
    publisher = SQSChangePublisher(connection.sqs, url, SystemRandom(), NullTelemetry())
    keys = [entity.key for entity in entities]
    changes = recompute(islice(chain.from_iterable(repeat(keys)), count), clock.now(), "soak")
    for start in range(0, count, 1000):
        some = [message for change in changes[start : start + 1000] for message in pack([change])]
        if publisher.send(some, Deadline(clock, 60.0)):
            raise RuntimeError("the queue did not take the messages")
        on_progress("sending", start + len(some), count)


def drained(
    backlog: Callable[[], Backlog], count: int, seconds: float, on_progress: OnProgress
) -> None:
    """Wait until the queue is empty. Raises RuntimeError after `seconds`."""
    end = time.monotonic() + seconds
    while not (left := backlog()).is_empty:
        if time.monotonic() > end:
            raise RuntimeError(f"after {seconds:g} s {left}")
        on_progress("draining", count - left.waiting - left.in_flight, count)
        time.sleep(0.25)
