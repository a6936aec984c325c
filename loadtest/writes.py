"""The writes that users make, and how they are made on AWS."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from boto3.dynamodb.types import TypeSerializer

from operations.commands.load import sender_of, writer_of
from operations.connection import Connection
from operations.embedding import embed
from operations.loading import Stage, load
from operations.receipts import Receipt
from receipt_sync.keys import Collection, EntityKey

_serialize: Final = TypeSerializer().serialize


class Writes(Protocol):
    """Every call is one write as a pipeline or an editor makes it."""

    def receipt(self, receipt: Receipt) -> None:
        """Items, then vectors, then embedding_status SUCCESS."""
        ...

    def set(self, key: EntityKey, fields: Mapping[str, Any]) -> None:
        """Change some attributes of an item."""
        ...

    def delete(self, keys: Sequence[EntityKey]) -> None:
        """Delete items."""
        ...

    def vector(self, key: EntityKey, text: str) -> None:
        """Send the vector of a line's or word's present text."""
        ...

    def foreign(self, item: Mapping[str, Any]) -> None:
        """Put an item that is someone else's; values as Python values, PK and SK among them."""
        ...


class AWSWrites:
    """Writes on DynamoDB, and vectors through bucket and queue. Raises botocore's errors.

    `items` counts what was written to the table, `vectors` what was sent.
    """

    def __init__(self, connection: Connection) -> None:
        self._dynamodb, self._table = connection.dynamodb, connection.names.table
        self._writer, self._sender = writer_of(connection), sender_of(connection)
        self.items = 0
        self.vectors = 0

    def receipt(self, receipt: Receipt) -> None:
        load([receipt], self._writer, self._sender, embed, self._count)

    def set(self, key: EntityKey, fields: Mapping[str, Any]) -> None:
        self._dynamodb.update_item(
            TableName=self._table,
            Key={"PK": {"S": key.pk}, "SK": {"S": key.sk}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in fields),
            ExpressionAttributeNames={f"#{name}": name for name in fields},
            ExpressionAttributeValues={f":{n}": _serialize(v) for n, v in fields.items()},
        )
        self.items += 1

    def delete(self, keys: Sequence[EntityKey]) -> None:
        self._writer.delete(keys)
        self.items += len(keys)

    def vector(self, key: EntityKey, text: str) -> None:
        collection = key.collection or Collection.LINES
        self._sender.send([self._sender.put(collection, [key], embed([text]), [text])])
        self.vectors += 1

    def foreign(self, item: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(
            TableName=self._table, Item={name: _serialize(v) for name, v in item.items()}
        )
        self.items += 1

    def _count(self, stage: Stage, count: int) -> None:
        if stage is Stage.VECTORS:
            self.vectors += count
        else:
            self.items += count
