"""The writes that users make, and how they are made on AWS."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from boto3.dynamodb.types import TypeSerializer

from operations.commands.load import sender_of, writer_of
from operations.connection import Connection
from operations.embedding import embed
from operations.loading import load
from operations.receipts import Receipt
from receipt_sync.keys import Collection, EntityKey

_serialize: Final = TypeSerializer().serialize


class Writes(Protocol):
    """Every call is one write as a pipeline or an editor makes it.

    Each returns how many changes it made: items of the table that were written or deleted and that
    concern the index.
    """

    def receipt(self, receipt: Receipt) -> int:
        """Items, then vectors, then embedding_status SUCCESS."""
        ...

    def set(self, key: EntityKey, fields: Mapping[str, Any]) -> int:
        """Change some attributes of an item."""
        ...

    def delete(self, keys: Sequence[EntityKey]) -> int:
        """Delete items."""
        ...

    def vector(self, key: EntityKey, text: str) -> int:
        """Send the vector of a line's or word's present text."""
        ...

    def foreign(self, item: Mapping[str, Any]) -> int:
        """Put an item that is someone else's; values as Python values, PK and SK among them."""
        ...


class AWSWrites:
    """Writes on DynamoDB, and vectors through bucket and queue. Raises botocore's errors.

    `vectors` counts what was sent.
    """

    def __init__(self, connection: Connection) -> None:
        self._dynamodb, self._table = connection.dynamodb, connection.names.table
        self._writer, self._sender = writer_of(connection), sender_of(connection)
        self.vectors = 0

    def receipt(self, receipt: Receipt) -> int:
        report = load([receipt], self._writer, self._sender, embed, lambda _stage, _count: None)
        self.vectors += report.vectors
        return report.items + report.vectors  # a line or word is written again with its status

    def set(self, key: EntityKey, fields: Mapping[str, Any]) -> int:
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"PK": {"S": key.pk}, "SK": {"S": key.sk}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in fields),
            ExpressionAttributeNames={f"#{name}": name for name in fields},
            ExpressionAttributeValues={f":{n}": _serialize(v) for n, v in fields.items()},
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
