"""A text counts as embedded once the queue has taken the message of its delta."""

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest

from receipt_ops.loading.embedding import embed
from receipt_sync.errors import QueueSendError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta
from tests.support.oracle.embedded import EmbeddedTexts, RememberingSender

LINE = EntityKey("image", 1, 1)


class Sender:
    """DeltaSender, in memory."""

    def __init__(self) -> None:
        self.refusing = False
        self._number = count(1)

    def put(self, collection: Collection, keys: Sequence[EntityKey], *_: Any) -> Delta:
        return Delta.of(collection, f"{next(self._number):026d}", len(keys))

    def send(self, deltas: Sequence[Delta]) -> None:
        if self.refusing:
            raise QueueSendError("refused")


class Editor:
    """TableEditor of a table that holds one line."""

    def update(self, key: EntityKey, fields: dict[str, Any]) -> bool:
        return key == LINE


def test_the_last_text_is_remembered_once_its_message_was_taken() -> None:
    embedded, sender = EmbeddedTexts(), Sender()
    remembering = RememberingSender(sender, embedded)  # type: ignore[arg-type]
    for text in ("A", "B"):
        assert remembering.embed_again(Editor(), LINE, text, embed([text]))
    assert embedded.all() == {LINE.chroma_id: "B"}
    sender.refusing = True
    with pytest.raises(QueueSendError):
        remembering.embed_again(Editor(), LINE, "C", embed(["C"]))
    assert embedded.all() == {LINE.chroma_id: "B"}


def test_what_is_not_in_the_table_is_not_embedded() -> None:
    embedded = EmbeddedTexts()
    remembering = RememberingSender(Sender(), embedded)  # type: ignore[arg-type]
    assert not remembering.embed_again(Editor(), LINE._replace(line_id=2), "A", embed(["A"]))
    assert not remembering.embed_again(Editor(), LINE.metadata, "A", embed(["A"]))
    assert embedded.all() == {}
