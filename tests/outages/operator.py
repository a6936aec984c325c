"""Who writes to the system, and who looks afterwards; each goes past the proxy."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any

from local.stack import Stack
from operations.commands.load import sender_of, writer_of
from operations.connection import Connection
from operations.embedding import embed
from operations.items import Entity, entities_of
from operations.loading import load
from operations.settling import queue_backlog
from operations.synthetic import synthetic_receipts
from operations.trials.editing import TableEditor, edits
from operations.trials.stress import Stress, StressReport
from receipt_sync.clock import SystemClock


def loaded(connection: Connection, count: int, seed: int) -> list[Entity]:
    """Receipts that are in the table from now on, their vectors on the way."""
    receipts = list(synthetic_receipts(count, Random(seed)))
    load(receipts, writer_of(connection), sender_of(connection), embed, lambda *_: None)
    return [entity for receipt in receipts for entity in entities_of(receipt)]


@contextmanager
def writing(
    connection: Connection, entities: list[Entity], rate: float, seconds: float
) -> Iterator[list[StressReport]]:
    """Edits go on beside the block, for so many seconds; the report is there after it."""
    editor = TableEditor(connection.dynamodb, connection.names.table)
    backlog = partial(queue_backlog, connection.sqs, connection.names.compaction_queue_url)
    stress = Stress(editor, backlog, SystemClock())
    reports: list[StressReport] = []
    some = edits(entities, Random(3))
    thread = threading.Thread(target=lambda: reports.append(stress.run(some, rate, seconds)))
    thread.start()
    try:
        yield reports
    finally:
        thread.join()


def verified(variables: Mapping[str, str], wait: float) -> dict[str, Any]:
    """What `receipt-sync verify` says once the backlog is gone, or after `wait` seconds."""
    done = subprocess.run(
        [sys.executable, "-m", "operations", "verify", "--wait", str(wait), "--json"],
        capture_output=True,
        check=False,
        env={**os.environ, **variables},
        text=True,
    )
    if not done.stdout:
        raise RuntimeError(f"verify could not tell: {done.stderr}")
    verdict: dict[str, Any] = json.loads(done.stdout)
    return verdict


def dead_letters(stack: Stack) -> int:
    """Messages in both dead-letter queues."""
    sqs = stack.clients().sqs
    boxes = (stack.queues.compaction_dlq, stack.queues.stream_dlq)
    return sum(queue_backlog(sqs, box.url).waiting for box in boxes)
