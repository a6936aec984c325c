"""Writes to the system, and checks its queues. No call passes through the proxy."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Final

from local.stack import Stack
from receipt_ops.connection import Connection
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.load import load
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.probes.editing import edits
from receipt_ops.probes.stress import Stress, StressReport
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_sync.clock import SystemClock
from receipt_sync.keys import EntityType
from tests.support.oracle.embedded import EmbeddedTexts, RememberingSender

_SECONDS_A_REPORT: Final = 2.0


def loaded(connection: Connection, count: int, seed: int, embedded: EmbeddedTexts) -> list[Entity]:
    """Load receipts into the table and send their vectors. Return their entities."""
    receipts = list(synthetic_receipts(count, Random(seed)))
    sender = RememberingSender(sender_of(connection), embedded)
    load(receipts, writer_of(connection), sender, embed, lambda *_: None)
    return [entity for receipt in receipts for entity in entities_of(receipt)]


@contextmanager
def writing(
    connection: Connection, entities: list[Entity], rate: float
) -> Iterator[list[StressReport]]:
    """Edit items beside the block, `rate` times a second. Its reports are complete after it.

    Raises the error that ended the thread, if any.
    """
    editor = TableEditor(connection.dynamodb, connection.names.table)
    backlog = partial(queue_backlog, connection.sqs, connection.names.compaction_queue_url)
    stress, stop = Stress(editor, backlog, SystemClock()), threading.Event()
    reports: list[StressReport] = []
    some = edits(entities, Random(3))

    def run() -> None:
        while not stop.is_set():
            reports.append(stress.run(some, rate, _SECONDS_A_REPORT))

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield reports
        finally:
            stop.set()
            running.result()


@contextmanager
def embedding_again(
    connection: Connection, entities: list[Entity], embedded: EmbeddedTexts, every: float
) -> Iterator[list[str]]:
    """Change a line and send its vector every `every` seconds, beside the block.

    The list of texts is complete after it. Raises the error that ended the thread, if any.
    """
    editor = TableEditor(connection.dynamodb, connection.names.table)
    sender = RememberingSender(sender_of(connection), embedded)
    lines = [entity.key for entity in entities if entity.key.entity_type is EntityType.LINE]
    randomness, stop = Random(5), threading.Event()
    texts: list[str] = []

    def run() -> None:
        while not stop.wait(every):
            text = f"EMBEDDED AGAIN {randomness.randrange(10**6)}"
            if sender.embed_again(editor, randomness.choice(lines), text, embed([text])):
                texts.append(text)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        try:
            yield texts
        finally:
            stop.set()
            running.result()


def dead_letters(stack: Stack) -> int:
    """Return the number of messages in both dead-letter queues."""
    sqs = stack.clients().sqs
    boxes = (stack.queues.compaction_dlq, stack.queues.stream_dlq)
    return sum(queue_backlog(sqs, box.url).waiting for box in boxes)
