"""Return the answers of DynamoDB as the JSON that they are.

botocore converts every attribute of every item by its model of the service. That takes ten times as
long as parsing the JSON: 5 ms for a hundred items. Without the conversion, only binary values
differ: they stay base64 text. receipt_sync.attributes accepts both forms.
"""

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS: Final = ("BatchGetItem", "Query", "Scan")


def read_plain(client: "DynamoDBClient") -> None:
    """Make the client return the items of its reads as plain JSON.

    This uses an event that botocore emits before it parses an answer. If the installed version has
    no such event, botocore parses answers as usual.
    """
    for operation in _READS:
        client.meta.events.register(f"before-parse.dynamodb.{operation}", _as_json)


def _as_json(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if response_dict["status_code"] != 200:
        return  # botocore parses errors itself
    try:
        content = from_json(response_dict["body"])
    except ValueError:
        return  # botocore itself refuses an answer that is no JSON
    if isinstance(content, dict):
        customized_response_dict.update(content)
        response_dict["body"] = b"{}"
