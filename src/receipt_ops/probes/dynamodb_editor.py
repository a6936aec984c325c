"""Edits of single items in DynamoDB."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeSerializer

from receipt_sync.keys import EntityKey
from receipt_sync.update_expression import set_attributes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_serialize = TypeSerializer().serialize


class TableEditor:
    """Editor on DynamoDB. An update never creates an item.

    A deletion asks for the old item, so the deletion of a missing item does not count as a write.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client, self._table = client, table

    def update(self, key: EntityKey, fields: Mapping[str, Any]) -> bool:
        try:
            self._client.update_item(
                TableName=self._table,
                Key=_key(key),
                ConditionExpression="attribute_exists(PK)",
                **set_attributes({name: _serialize(value) for name, value in fields.items()}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def delete(self, key: EntityKey) -> bool:
        deleted = self._client.delete_item(
            TableName=self._table, Key=_key(key), ReturnValues="ALL_OLD"
        )
        return bool(deleted.get("Attributes"))


def _key(key: EntityKey) -> Any:
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}}
