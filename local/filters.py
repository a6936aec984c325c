"""Which stream records may cost an invocation.

Rule: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html. A record passes if one
of the filters takes it. They let through every key of our shape, and keep out locks, other users'
items, and word labels, which share our keys' beginnings and are the bulk of the table's traffic.
"""

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FilterCriteriaTypeDef

LABEL_TYPES: Final = ("RECEIPT_WORD_LABEL",)
_PARTITION: Final = {"S": [{"prefix": "IMAGE#"}]}
_SORT: Final = {"S": [{"prefix": "RECEIPT#"}]}


def filter_criteria() -> "FilterCriteriaTypeDef":
    """The filters of the stream's event source mapping, which template.yaml repeats.

    `exists` looks at leaves alone: false holds for an item without TYPE, and for a record without
    NewImage, which is what REMOVE leaves.
    """
    types = (
        (_SORT, [{"anything-but": list(LABEL_TYPES)}]),
        (_SORT, [{"exists": False}]),
        (_OUR_ENDINGS, list(LABEL_TYPES)),
    )
    return {"Filters": [{"Pattern": json.dumps(_record(*one))} for one in types]}


_OUR_ENDINGS: Final = {"S": [{"suffix": ending} for ending in ("#METADATA", *"0123456789")]}
"""A label's key ends in its name; one of ours that calls itself a label must not hide."""


def _record(sort_key: dict[str, Any], item_type: list[Any]) -> dict[str, Any]:
    keys = {"PK": _PARTITION, "SK": sort_key}
    return {"dynamodb": {"Keys": keys, "NewImage": {"TYPE": {"S": item_type}}}}
