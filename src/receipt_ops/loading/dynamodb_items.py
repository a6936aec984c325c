"""Items in the format of DynamoDB."""

from typing import Any, TypeAlias

from boto3.dynamodb.types import TypeSerializer

from receipt_ops.loading.items import Entity

AttributeMap: TypeAlias = dict[str, Any]

_serialize = TypeSerializer().serialize


def item_of(entity: Entity) -> AttributeMap:
    """Return the item of an entity, without fields that are None."""
    attributes = {
        "PK": entity.key.pk,
        "SK": entity.key.sk,
        "TYPE": entity.key.entity_type.value,
        **entity.fields,
    }
    return {name: _serialize(v) for name, v in attributes.items() if v is not None}
