"""Remembers the text of which each record was last sent a vector."""

import threading
from collections.abc import Sequence
from typing import Any

from operations.deltas import DeltaSender
from operations.embedding import Vectors
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta


class EmbeddedTexts:
    """The last embedded text by Chroma id. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: dict[str, str] = {}

    def remember(self, ids: Sequence[str], texts: Sequence[str]) -> None:
        with self._lock:
            self._texts.update(zip(ids, texts, strict=True))

    def all(self) -> dict[str, str]:
        """A copy."""
        with self._lock:
            return dict(self._texts)


class RememberingSender:
    """A DeltaSender that remembers the texts of the deltas that the queue has taken."""

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
        """Give a line or word another text, and send the vector of it; False if it is gone."""
        if key.collection is None or not editor.update(key, {"text": text}):
            return False
        self.send([self.put(key.collection, [key], vectors, [text])])
        return True
