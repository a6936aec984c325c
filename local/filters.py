"""Which stream records may cost an invocation.

Rule: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html. A record passes if one
of the filters takes it. They let through every key of our shape, and keep out locks, other users'
items, and word labels, which share our keys' beginnings and are the bulk of the table's traffic.
"""

import json
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import FilterCriteriaTypeDef

LABEL_TYPES: Final = ("RECEIPT_WORD_LABEL",)
_PARTITION: Final = {"S": [{"prefix": "IMAGE#"}]}
_SORT: Final = {"S": [{"prefix": "RECEIPT#"}]}
_ABSENT: Final = [{"exists": False}]


class Matcher(Enum):
    """Who evaluates the filters; the two read `exists` differently."""

    AWS = auto()
    """Looks at leaves alone: `exists` false holds wherever no leaf has this path."""

    MINISTACK = auto()
    """Looks at any node, but a path through a node that is not there matches nothing."""


def filter_criteria(matcher: Matcher) -> "FilterCriteriaTypeDef":
    """The filters of the stream's event source mapping."""
    return {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in _patterns(matcher)]}


def _patterns(matcher: Matcher) -> list[dict[str, Any]]:
    return [
        _record(_SORT, {"NewImage": {"TYPE": {"S": [{"anything-but": list(LABEL_TYPES)}]}}}),
        *(_record(_SORT, absent) for absent in _without_type(matcher)),
        _record(_OUR_ENDINGS, {"NewImage": {"TYPE": {"S": list(LABEL_TYPES)}}}),
    ]


def _without_type(matcher: Matcher) -> list[dict[str, Any]]:
    """An item without TYPE, and a record without NewImage, which is what REMOVE leaves."""
    if matcher is Matcher.AWS:
        return [{"NewImage": {"TYPE": {"S": _ABSENT}}}]
    return [{"NewImage": {"TYPE": _ABSENT}}, {"NewImage": _ABSENT}]


_OUR_ENDINGS: Final = {"S": [{"suffix": ending} for ending in ("#METADATA", *"0123456789")]}
"""A label's key ends in its name; one of ours that calls itself a label must not hide."""


def _record(sort_key: dict[str, Any], images: dict[str, Any]) -> dict[str, Any]:
    return {"dynamodb": {"Keys": {"PK": _PARTITION, "SK": sort_key}, **images}}
