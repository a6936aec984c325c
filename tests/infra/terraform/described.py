"""Describes Terraform's resources through AWS's APIs, without values that differ on each AWS."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from local.clients import Clients
from local.stack import Stack

_OF_THE_MOMENT: Final = {
    "CreationDateTime",
    "CreationDate",
    "CreatedTimestamp",
    "LastModifiedTimestamp",
    "CurrentKeyMaterialId",
    "LatestStreamLabel",
    "TableId",
    "EarliestRestorableDateTime",
    "LatestRestorableDateTime",
    "ResponseMetadata",
    "Arn",
    "KeyId",
}


def described(clients: Clients, stack: Stack) -> dict[str, Any]:
    """Return table, queues, bucket, keys and parameters, by the names of AWS's API."""
    found = {
        "table": _table(clients, stack),
        "queues": _queues(clients, stack),
        "bucket": _bucket(clients, stack),
        "keys": _keys(clients, stack),
        "parameters": parameters(clients, stack.names.parameters),
    }
    plain: dict[str, Any] = json.loads(_renamed(json.dumps(found, default=str), stack))
    return plain


def parameters(clients: Clients, path: str) -> dict[str, str]:
    """Return the SSM parameters below a path."""
    pages = clients.ssm.get_paginator("get_parameters_by_path").paginate(Path=path, Recursive=True)
    return {one["Name"]: one["Value"] for page in pages for one in page["Parameters"]}


def _table(clients: Clients, stack: Stack) -> Any:
    name = stack.names.table
    return _lasting(
        {
            **clients.dynamodb.describe_table(TableName=name)["Table"],
            **clients.dynamodb.describe_time_to_live(TableName=name),
            **clients.dynamodb.describe_continuous_backups(TableName=name),
        }
    )


def _queues(clients: Clients, stack: Stack) -> Any:
    queues = (stack.queues.compaction, stack.queues.compaction_dlq, stack.queues.stream_dlq)
    return {
        queue.arn: _lasting(
            clients.sqs.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])[
                "Attributes"
            ]
        )
        for queue in queues
    }


def _bucket(clients: Clients, stack: Stack) -> Any:
    s3, bucket = clients.s3, stack.names.bucket
    return _lasting(
        {
            **s3.get_bucket_versioning(Bucket=bucket),
            **s3.get_bucket_encryption(Bucket=bucket),
            **s3.get_public_access_block(Bucket=bucket),
        }
    )


def _keys(clients: Clients, stack: Stack) -> Any:
    return {
        purpose: _lasting(
            {
                **clients.kms.describe_key(KeyId=arn)["KeyMetadata"],
                **clients.kms.get_key_rotation_status(KeyId=arn),
                "alias": clients.kms.list_aliases(KeyId=arn)["Aliases"][0]["AliasName"],
            }
        )
        for purpose, arn in asdict(stack.keys).items()
    }


def _lasting(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _lasting(one) for name, one in value.items() if name not in _OF_THE_MOMENT}
    if isinstance(value, list):
        return sorted((_lasting(one) for one in value), key=str)
    if isinstance(value, str) and value.startswith("{"):
        return _lasting(json.loads(value))
    return value


def _renamed(text: str, stack: Stack) -> str:
    """Return the text with purposes instead of generated ARNs and the endpoint."""
    for purpose, arn in asdict(stack.keys).items():
        text = text.replace(arn, f"key of {purpose}")
    return text.replace(stack.table.stream_arn, "stream").replace(stack.endpoint, "endpoint")
