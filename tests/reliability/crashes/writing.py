"""Writers that continue while workers die: inserts with vectors, edits, deletes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Final

from receipt_ops.connection import Connection
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.load import load
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.probes.editing import Kind, apply, edits
from receipt_sync.keys import EntityType
from tests.support.oracle.embedded import EmbeddedTexts, RememberingSender

_FEWEST: Final = 5
"""Number of receipts below which no receipt is deleted."""


class Writing:
    """A thread that writes `rate` times a second until the end of the block."""

    def __init__(self, connection: Connection, receipts: int, rate: float, seed: int) -> None:
        self._connection, self._rate = connection, rate
        self._randomness = Random(seed)
        self._new = synthetic_receipts(100_000, Random(seed))
        self._editor = TableEditor(connection.dynamodb, connection.names.table)
        self.embedded = EmbeddedTexts()
        self._writer = writer_of(connection)
        self._sender = RememberingSender(sender_of(connection), self.embedded)
        self._live: list[list[Entity]] = []
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: Exception | None = None
        self.texts: set[str] = set()
        self.writes = self.embedded_again = 0
        self._load([next(self._new) for _ in range(receipts)])

    def __enter__(self) -> "Writing":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.check()

    def check(self) -> None:
        """Raise the error that ended the thread, if any."""
        if self._error is not None:
            raise self._error

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Stop the writes for the block."""
        with self._lock:
            yield

    def wave(self) -> None:
        """Rename every merchant. This changes all records, which is enough for an HNSW persist."""
        with self._lock:
            for entities in self._live:
                metadata = [e for e in entities if e.key.entity_type is EntityType.METADATA]
                self._edit(metadata, {Kind.MERCHANT: 1})

    def _run(self) -> None:
        try:
            while not self._stop.wait(1 / self._rate):
                with self._lock:
                    self._write()
        except Exception as error:  # noqa: BLE001 `check` raises it in the thread of the campaign
            self._error = error

    def _write(self) -> None:
        draw = self._randomness.random()
        if draw < 0.02:
            self._load([next(self._new)])
        elif draw < 0.035 and len(self._live) > _FEWEST:
            gone = self._live.pop(self._randomness.randrange(len(self._live)))
            self._writer.delete([entity.key for entity in gone])
            self.writes += len(gone)
        elif draw < 0.08:
            self._embed_again(self._randomness.choice(self._live))
        else:
            self._edit(self._randomness.choice(self._live))

    def _edit(self, entities: list[Entity], kinds: dict[Kind, int] | None = None) -> None:
        stream = (
            edits(entities, self._randomness, kinds) if kinds else edits(entities, self._randomness)
        )
        edit = next(stream)
        self.writes += apply(self._editor, edit)
        text = (edit.fields or {}).get("text")
        self.texts |= {text} if text else set()

    def _embed_again(self, entities: list[Entity]) -> None:
        """Change the text of a line, and send its new vector."""
        lines = [e for e in entities if e.key.entity_type is EntityType.LINE]
        line = self._randomness.choice(lines)
        text = f"EMBEDDED AGAIN {self._randomness.randrange(10**6)}"
        if self._sender.embed_again(self._editor, line.key, text, embed([text])):
            self.writes += 2
            self.embedded_again += 1
            self.texts.add(text)

    def _load(self, receipts: list[Receipt]) -> None:
        report = load(receipts, self._writer, self._sender, embed, lambda *_: None)
        self._live += [list(entities_of(receipt)) for receipt in receipts]
        self.texts |= {line.text for receipt in receipts for line in receipt.lines}
        self.writes += report.items + report.vectors + report.deltas
