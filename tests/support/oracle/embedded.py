"""Records the text of the last vector that was sent for each record."""

import threading
from collections.abc import Sequence
from typing import Any

from receipt_index.delta_sender import DeltaSender
from receipt_index.deltas import Vectors
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta


class EmbeddedTexts:
    """The last embedded text by Chroma id. Several threads may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def remember(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        with self._lock:
            self._texts.update(zip(ids, texts, strict=True))

    def all(self) -> dict[str, str]:
        """Return a copy of all texts."""
        with self._lock:
            return dict(self._texts)


class RememberingSender:
    """A DeltaSender that records the texts of deltas that the queue has accepted."""

    def __init__(self, sender: DeltaSender, embedded: EmbeddedTexts) -> None:
        self._sender, self._embedded = sender, embedded
        self._stored: dict[str, tuple[list[str], list[str]]] = {}

    def put(
        self,
        collection: Collection,
        keys: Sequence[EntityKey],
        vectors: Vectors,
        texts: Sequence[str],
    ) -> Delta:
        delta = self._sender.put(collection, keys, vectors, texts)
        self._stored[delta.delta_id] = ([key.chroma_id for key in keys], list(texts))
        return delta

    def send(self, deltas: Sequence[Delta]) -> None:
        self._sender.send(deltas)
        for delta in deltas:
            self._embedded.remember(*self._stored.pop(delta.delta_id))

    def embed_again(self, editor: Any, key: EntityKey, text: str, vectors: Vectors) -> bool:
        """Change the text of a line or word, and send its vector.

        Return False if the item is gone.
        """
        if key.collection is None or not editor.update(key, {"text": text}):
            return False
        self.send([self.put(key.collection, [key], vectors, [text])])
        return True
