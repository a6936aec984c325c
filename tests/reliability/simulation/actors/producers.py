"""The embedding pipeline, and other senders of messages to the compaction queue."""

import io
import json
import pickle
from collections.abc import Mapping
from typing import Final

import numpy as np

from receipt_index.deltas import VectorBatch, encode
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key, to_body
from tests.reliability.simulation.checks.contents import POISON, POISON_DELTA, kind_of
from tests.reliability.simulation.environment.deltas import Sent
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.environment.table import Key
from tests.reliability.simulation.workload.events import IMAGES

DIMENSION: Final = 4


class Producers:
    """Performs the events of producers."""

    def __init__(self, system: SimulatedSystem) -> None:
        self._system = system
        self._deltas = 0

    def embed(self, keys: tuple[Key, ...], late: float, again: float | None) -> None:
        """Send vectors for the current texts of existing items.

        Sending begins after `late` seconds.
        """
        bodies = self._messages(keys)
        self._system.scheduler.sleep(late)
        for pause in (0.0, again):
            if pause is not None:
                self._system.scheduler.sleep(pause)
                for body in bodies:
                    self._system.compaction_queue.send(body)

    def embed_deadly(self, keys: tuple[Key, ...]) -> None:
        """Send vectors that kill each worker that writes them, as by their memory."""
        for body in self._messages(keys):
            self._system.gate.deadly.add(json.loads(body)["delta_id"])
            self._system.compaction_queue.send(body)

    def _messages(self, keys: tuple[Key, ...]) -> list[str]:
        """Store deltas of the current texts of existing items, and return their messages."""
        items = self._system.table.items
        texts = {key: items[key].get("text", {"S": ""})["S"] for key in keys if key in items}
        bodies = [
            self._delta(collection, {k: t for k, t in texts.items() if kind_of(k) == kind})
            for collection, kind in ((Collection.LINES, "line"), (Collection.WORDS, "word"))
        ]
        return [body for body in bodies if body]

    def _delta(self, collection: Collection, texts: Mapping[Key, str]) -> str:
        if not texts:
            return ""
        self._deltas += 1
        delta_id = f"{self._deltas:026d}"
        ids = tuple("#".join(key) for key in texts)
        vectors = np.zeros((len(ids), DIMENSION), np.float32)
        vectors[:, 0], vectors[:, 1] = self._deltas, np.arange(len(ids))
        batch = VectorBatch(delta_id, ids, vectors, tuple(texts.values()))
        self._system.store.put(delta_key(collection, delta_id), encode(batch))
        content = dict(
            zip(ids, zip(texts.values(), map(_bytes, vectors), strict=True), strict=True)
        )
        self._system.observer.deltas[delta_id] = Sent(
            collection, self._system.observer.past.tick, content
        )
        return to_body(Delta.of(collection, delta_id, len(ids)))

    def poison(self, kind: str) -> None:
        """Send a message that can never be applied."""
        bodies = {
            "text": f"{POISON}, and no JSON",
            "source": json.dumps({"source": POISON}),
            "item": _batch_with_a_bad_item(),
        }
        self._system.compaction_queue.send(bodies.get(kind) or self._bad_delta(kind))

    def _bad_delta(self, kind: str) -> str:
        self._deltas += 1
        delta_id = f"{POISON_DELTA}{self._deltas:022d}"
        ids = (f"IMAGE#{IMAGES[0]}#RECEIPT#00001#LINE#00000",)
        vectors = np.ones((1, DIMENSION), np.float32)
        data: bytes | None = {
            "absent": None,
            "pickle": _pickled(),
            "count": encode(VectorBatch(delta_id, ids * 2, vectors, ("a",))),
            "foreign id": encode(VectorBatch(delta_id, ("USER#1",), vectors, ("a",))),
            "nan": encode(VectorBatch(delta_id, ids, vectors * np.nan, ("a",))),
        }[kind]
        if data is not None:
            self._system.store.put(delta_key(Collection.LINES, delta_id), data)
        return to_body(Delta.of(Collection.LINES, delta_id, 1))


def _batch_with_a_bad_item() -> str:
    return json.dumps(
        {"source": "dynamodb_stream_batch", "schema": 1, "batch_size": 1, "items": [{POISON: 1}]}
    )


def _pickled() -> bytes:
    buffer = io.BytesIO()
    vectors = np.array([{"a": 1}], dtype=object)
    np.savez(buffer, vectors=vectors, ids=pickle.dumps(1), texts=np.zeros(1))
    return buffer.getvalue()


def _bytes(vector: np.ndarray) -> bytes:
    return vector.tobytes()
