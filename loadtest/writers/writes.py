"""The writes that users make, and their implementation on AWS."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from boto3.dynamodb.types import TypeSerializer

from receipt_ops.connection import Connection
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.load import load
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.wiring import sender_of, writer_of
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.update_expression import set_attributes

_serialize: Final = TypeSerializer().serialize


class Writes(Protocol):
    """Each method makes one write as a pipeline or an editor makes it.

    It returns the number of changes that it made. A change is an item of the table that was
    written or deleted and that concerns the index.
    """

    def receipt(self, receipt: Receipt) -> int:
        """Write a receipt: first items, then vectors, then embedding_status SUCCESS."""
        ...

    def set(self, key: EntityKey, fields: Mapping[str, Any]) -> int:
        """Change some attributes of an item."""
        ...

    def delete(self, keys: Sequence[EntityKey]) -> int:
        """Delete items."""
        ...

    def vector(self, key: EntityKey, text: str) -> int:
        """Send the vector of the present text of a line or word."""
        ...

    def foreign(self, item: Mapping[str, Any]) -> int:
        """Put an item that does not concern the index. `item` has Python values, with PK and SK."""
        ...


class AWSWrites:
    """Writes items to DynamoDB, and sends vectors through bucket and queue.

    `vectors` counts the vectors that were sent. The methods raise botocore's errors.
    """

    def __init__(self, connection: Connection) -> None:
        self._dynamodb, self._table = connection.dynamodb, connection.names.table
        self._writer, self._sender = writer_of(connection), sender_of(connection)
        self.vectors = 0

    def receipt(self, receipt: Receipt) -> int:
        report = load([receipt], self._writer, self._sender, embed, lambda _stage, _count: None)
        self.vectors += report.vectors
        return report.items + report.vectors  # lines and words are written twice

    def set(self, key: EntityKey, fields: Mapping[str, Any]) -> int:
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"PK": {"S": key.pk}, "SK": {"S": key.sk}},
            **set_attributes({name: _serialize(value) for name, value in fields.items()}),
        )
        return 1

    def delete(self, keys: Sequence[EntityKey]) -> int:
        self._writer.delete(keys)
        return len(keys)

    def vector(self, key: EntityKey, text: str) -> int:
        collection = key.collection or Collection.LINES
        self._sender.send([self._sender.put(collection, [key], embed([text]), [text])])
        self.vectors += 1
        return 0

    def foreign(self, item: Mapping[str, Any]) -> int:
        self._dynamodb.put_item(
            TableName=self._table, Item={name: _serialize(v) for name, v in item.items()}
        )
        return 0
