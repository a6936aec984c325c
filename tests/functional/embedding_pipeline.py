"""An embedding pipeline that records what it sent. The record is the oracle of the index."""

import time
from dataclasses import dataclass, field

import numpy as np
from ulid import ULIDGenerator

from receipt_index.deltas import VectorBatch, encode
from receipt_ops.loading.items import Entity
from receipt_ops.loading.wiring import writer_of
from receipt_sync.fields import EMBEDDED
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, to_body
from tests.functional.operator import Operator

LINES, DIMENSION = Collection.LINES, 384


@dataclass
class Producer:
    """An embedding pipeline. `last` holds the last delta and the axis of each record's vector."""

    operator: Operator
    last: dict[str, tuple[str, int]] = field(default_factory=dict)
    ids: ULIDGenerator = field(default_factory=ULIDGenerator)

    def put(self, keys: list[EntityKey], text: str) -> None:
        writer = writer_of(self.operator.connection)
        writer.put([Entity(key, {"text": text, "embedding_status": EMBEDDED}) for key in keys])

    def embed(self, keys: list[EntityKey], text: str, axis: int) -> None:
        """Send one delta whose vectors all point along one axis."""
        connection = self.operator.connection
        delta = Delta.of(LINES, str(self.ids.generate()), len(keys))
        vectors = np.zeros((len(keys), DIMENSION), np.float32)
        vectors[:, axis] = 1
        ids = tuple(key.chroma_id for key in keys)
        content = encode(VectorBatch(delta.delta_id, ids, vectors, (text,) * len(keys)))
        connection.s3.put_object(Bucket=connection.names.bucket, Key=delta.delta_key, Body=content)
        connection.sqs.send_message(
            QueueUrl=connection.names.compaction_queue_url, MessageBody=to_body(delta)
        )
        self.last |= dict.fromkeys(ids, (delta.delta_id, axis))

    def published(self) -> dict[str, tuple[str, int]]:
        """Return the delta and the axis of every record, as a reader finds them."""
        with self.operator.reader(LINES) as reader:
            if not reader.version:
                return {}
            records, vectors = reader.get(list(self.last)), reader.vectors(list(self.last))
        return {
            i: (str(record.metadata["delta_id"]), int(np.argmax(vectors[i])))
            for i, record in records.items()
        }

    def arrived(self) -> None:
        """Wait until every last vector is published."""
        end = time.monotonic() + 60
        while self.published() != self.last:
            assert time.monotonic() < end, "the vectors have not arrived"
            time.sleep(0.5)

    def gone(self, keys: list[EntityKey]) -> None:
        """Delete the items, and wait until no record is left, because other tests count records."""
        writer_of(self.operator.connection).delete(keys)
        end = time.monotonic() + 60
        while self.published():
            assert time.monotonic() < end, "the records are still there"
            time.sleep(0.5)

    def story(self, keys: list[EntityKey]) -> None:
        """Change texts, replace vectors, and add records."""
        self.put(keys[:3], "SECOND")
        self.embed(keys[:3], "SECOND", axis=2)
        self.embed(keys[2:5], "FIRST", axis=3)  # vectors of the same texts by another model
        self.put(keys[8:], "NEW")
        self.embed(keys[8:], "NEW", axis=4)
        self.arrived()
