"""The filters that decide which stream records cause an invocation.

Rule: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html. A record passes if one
of the filters matches it. They accept every key with the shape of a receipt entity's key. They
refuse locks, the items of other users, and word labels. The keys of word labels begin like those of
receipt entities, and word labels make up most of the table's traffic.
"""

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FilterCriteriaTypeDef

LABEL_TYPES: Final = ("RECEIPT_WORD_LABEL",)
_PARTITION: Final = {"S": [{"prefix": "IMAGE#"}]}
_SORT: Final = {"S": [{"prefix": "RECEIPT#"}]}


def filter_criteria() -> "FilterCriteriaTypeDef":
    """Return the filters of the stream's event source mapping.

    template.yaml holds the same filters.

    `exists` tests leaves only. `exists: false` matches an item without TYPE. It also matches a
    record without NewImage, such as a REMOVE.
    """
    types = (
        (_SORT, [{"anything-but": list(LABEL_TYPES)}]),
        (_SORT, [{"exists": False}]),
        (_OUR_ENDINGS, list(LABEL_TYPES)),
    )
    return {"Filters": [{"Pattern": json.dumps(_record(*one))} for one in types]}


_OUR_ENDINGS: Final = {"S": [{"suffix": ending} for ending in ("#METADATA", *"0123456789")]}
"""Endings of receipt entity keys. The key of a label ends in its name.

An entity whose TYPE says label must still pass the filters.
"""


def _record(sort_key: dict[str, Any], item_type: list[Any]) -> dict[str, Any]:
    keys = {"PK": _PARTITION, "SK": sort_key}
    return {"dynamodb": {"Keys": keys, "NewImage": {"TYPE": {"S": item_type}}}}
