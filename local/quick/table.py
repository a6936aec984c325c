"""The table of receipts, its stream, and its index on the embedding status."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from local.clients import Clients
from local.quick.names import Names

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeDefinitionTypeDef, KeySchemaElementTypeDef

TTL_ATTRIBUTE: Final = "ttl"
"""Epoch seconds. The attribute is for clean-up only, because DynamoDB may take days to delete an
item.
"""


@dataclass(frozen=True)
class Table:
    """ARNs of the table and of its current stream."""

    arn: str
    stream_arn: str


def ensure_table(clients: Clients, names: Names, key_arn: str) -> Table:
    """Return the table of the environment, and create it if it is absent."""
    dynamodb = clients.dynamodb
    try:
        return _describe(dynamodb, names.table)
    except dynamodb.exceptions.ResourceNotFoundException:
        _create(dynamodb, names.table, key_arn)
    dynamodb.get_waiter("table_exists").wait(
        TableName=names.table, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    dynamodb.update_time_to_live(
        TableName=names.table,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE},
    )
    dynamodb.update_continuous_backups(
        TableName=names.table,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    )
    return _describe(dynamodb, names.table)


def delete_table(clients: Clients, names: Names) -> None:
    """Delete the table with all its items, if it exists."""
    dynamodb = clients.dynamodb
    try:
        dynamodb.delete_table(TableName=names.table)
    except dynamodb.exceptions.ResourceNotFoundException:
        return
    dynamodb.get_waiter("table_not_exists").wait(
        TableName=names.table, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )


def _create(dynamodb: "DynamoDBClient", name: str, key_arn: str) -> None:
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[_text(name) for name in ("PK", "SK", "GSI1PK", "GSI1SK")],
        KeySchema=_keys("PK", "SK"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": "GSI1",
                "KeySchema": _keys("GSI1PK", "GSI1SK"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key_arn},
    )


def _describe(dynamodb: "DynamoDBClient", name: str) -> Table:
    table = dynamodb.describe_table(TableName=name)["Table"]
    return Table(table["TableArn"], table["LatestStreamArn"])


def _text(attribute: str) -> "AttributeDefinitionTypeDef":
    return {"AttributeName": attribute, "AttributeType": "S"}


def _keys(partition: str, sort: str) -> "list[KeySchemaElementTypeDef]":
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]
