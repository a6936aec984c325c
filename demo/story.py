"""The changes that the demonstration makes to the receipts, and the test that readers see each one.

Each step only writes to the table or sends a vector. The system does the rest.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from local.errors import LocalAWSError
from receipt_index.reader import Readers
from receipt_index.records import Record
from receipt_ops.connection import Connection
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity, canonical_name, entities_of
from receipt_ops.loading.load import load
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.update_expression import set_attributes

NEW_TEXT: Final = "SPECIAL OFFER TODAY 1.23"
_LINES_NEEDED: Final = 3


class UnsuitableReceiptsError(LocalAWSError):
    """The given receipts do not allow the demonstration."""


@dataclass(frozen=True)
class Query:
    """A search that shows the effect of a step."""

    collection: Collection
    text: str
    merchant: str


@dataclass(frozen=True)
class Step:
    """One write, a search to run before and after it, and a test whether readers see the write."""

    title: str
    query: Query
    write: Callable[[], None]
    visible: Callable[[Readers], bool]


@dataclass(frozen=True)
class Cast:
    """The receipts that the demonstration uses."""

    edited: Receipt
    deleted: Receipt
    added: Receipt


def choose(receipts: Iterable[Receipt], added: Receipt) -> Cast:
    """Return the cast: the first two receipts with a merchant and enough lines, and `added`.

    Raises UnsuitableReceiptsError.
    """
    suitable = (r for r in receipts if r.company and len(r.lines) >= _LINES_NEEDED)
    edited = next(suitable, None)
    deleted = next(suitable, None)
    if edited is None or deleted is None:
        raise UnsuitableReceiptsError(
            f"the demonstration needs two receipts with a company and {_LINES_NEEDED} or more "
            "lines: give other receipts, or a higher --count"
        )
    return Cast(edited, deleted, added)


def steps(cast: Cast, connection: Connection) -> list[Step]:
    """Return the steps of the demonstration in their order."""
    story = _Story(cast, connection)
    return [
        story.rename_merchant(),
        story.edit_line(),
        story.send_vector(),
        story.delete_word(),
        story.delete_receipt(),
        story.add_receipt(),
    ]


class _Story:
    """Creates the steps. It edits line 2 and deletes the first word of line 1."""

    def __init__(self, cast: Cast, connection: Connection) -> None:
        self._cast, self._connection = cast, connection
        self._entities = list(entities_of(cast.edited))
        self._metadata = self._entities[0].key
        self._old_name = cast.edited.company or ""
        self._new_name = f"{self._old_name} & Sons"

    def rename_merchant(self) -> Step:
        """Return the step that renames the merchant of the edited receipt."""
        names = {
            "merchant_name": self._new_name,
            "canonical_merchant_name": canonical_name(self._new_name),
        }
        keys = _embeddable(self._entities)
        return Step(
            f"rename a merchant: {self._old_name} → {self._new_name}",
            Query(Collection.LINES, self._cast.edited.lines[0].text, self._new_name),
            lambda: self._set(self._metadata, names),
            lambda readers: all(
                _value(record, "merchant_name") == self._new_name
                for record in _records(readers, keys)
            ),
        )

    def edit_line(self) -> Step:
        """Return the step that changes the text of a line."""
        line = self._metadata._replace(line_id=2)
        old_text = self._cast.edited.lines[1].text

        def visible(readers: Readers) -> bool:
            edited, following = _records(readers, [line, line._replace(line_id=3)])
            return (
                _value(edited, "text") == NEW_TEXT
                and _value(following, "prev_line_text") == NEW_TEXT
            )

        return Step(
            f"edit a line: {old_text} → {NEW_TEXT}",
            Query(Collection.LINES, old_text, self._new_name),
            lambda: self._set(line, {"text": NEW_TEXT}),
            visible,
        )

    def send_vector(self) -> Step:
        """Return the step that sends the vector of the edited line."""
        line = self._metadata._replace(line_id=2)

        def send() -> None:
            sender = sender_of(self._connection)
            delta = sender.put(Collection.LINES, [line], embed([NEW_TEXT]), [NEW_TEXT])
            sender.send([delta])

        def visible(readers: Readers) -> bool:
            (record,) = _records(readers, [line])
            return (
                record is not None
                and record.document == NEW_TEXT
                and _value(record, "embedding_stale") is None
            )

        return Step(
            "send the vector of the edited line",
            Query(Collection.LINES, NEW_TEXT, self._new_name),
            send,
            visible,
        )

    def delete_word(self) -> Step:
        """Return the step that deletes a word."""
        word = self._metadata._replace(line_id=1, word_id=1)
        text = self._cast.edited.lines[0].words()[0].text

        def visible(readers: Readers) -> bool:
            gone, following = _records(readers, [word, word._replace(word_id=2)])
            return gone is None and _value(following, "prev_word_text") is None

        return Step(
            f"delete a word: {text}",
            Query(Collection.WORDS, text, self._new_name),
            lambda: writer_of(self._connection).delete([word]),
            visible,
        )

    def delete_receipt(self) -> Step:
        """Return the step that deletes a whole receipt."""
        receipt = self._cast.deleted
        entities = list(entities_of(receipt))
        keys = _embeddable(entities)
        return Step(
            f"delete a whole receipt: {receipt.receipt}",
            Query(Collection.LINES, receipt.lines[0].text, receipt.company or ""),
            lambda: writer_of(self._connection).delete([entity.key for entity in entities]),
            lambda readers: not any(_records(readers, keys)),
        )

    def add_receipt(self) -> Step:
        """Return the step that adds a receipt with its vectors."""
        receipt = self._cast.added
        keys = _embeddable(entities_of(receipt))

        def add() -> None:
            writer, sender = writer_of(self._connection), sender_of(self._connection)
            load([receipt], writer, sender, embed, lambda *_: None)

        return Step(
            f"add a receipt: {receipt.receipt}",
            Query(Collection.LINES, receipt.lines[0].text, receipt.company or ""),
            add,
            lambda readers: all(
                _value(record, "embedding_status") == "SUCCESS"
                for record in _records(readers, keys)
            ),
        )

    def _set(self, key: EntityKey, fields: Mapping[str, str]) -> None:
        """Change attributes of an item, as any program that writes to the table does."""
        self._connection.dynamodb.update_item(
            TableName=self._connection.names.table,
            Key={"PK": {"S": key.pk}, "SK": {"S": key.sk}},
            **set_attributes({name: {"S": value} for name, value in fields.items()}),
        )


def _embeddable(entities: Iterable[Entity]) -> list[EntityKey]:
    return [entity.key for entity in entities if entity.key.collection is not None]


def _records(readers: Readers, keys: Sequence[EntityKey]) -> list[Record | None]:
    """Return the records of lines and words in the order of their keys. An absent one is None."""
    found: dict[str, Record] = {}
    for collection, reader in readers.items():
        ids = [key.chroma_id for key in keys if key.collection is collection]
        found |= reader.get(ids) if ids else {}
    return [found.get(key.chroma_id) for key in keys]


def _value(record: Record | None, field: str) -> object:
    return None if record is None else record.metadata.get(field)
