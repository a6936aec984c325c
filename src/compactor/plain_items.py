"""Answers of DynamoDB as the JSON that they are.

botocore walks through every attribute of every item by its model of the service, which takes ten
times as long as to read the JSON: 5 ms for a hundred items. Without it nothing is different but
binary values, which stay base64 text; receipt_sync.attributes takes both spellings.
"""

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS: Final = ("BatchGetItem", "Query", "Scan")


def read_plain(client: "DynamoDBClient") -> None:
    """Let the client give the items of its reads as plain JSON.

    By an event that botocore emits before it parses an answer; where its version has no such
    event, it parses as ever.
    """
    for operation in _READS:
        client.meta.events.register(f"before-parse.dynamodb.{operation}", _as_json)


def _as_json(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] != 200:
        return  # an error, which botocore knows how to read
    try:
        content = from_json(response_dict["body"])
    except ValueError:
        return  # botocore says that it is no JSON
    if isinstance(content, dict):
        customized_response_dict.update(content)
        response_dict["body"] = b"{}"
