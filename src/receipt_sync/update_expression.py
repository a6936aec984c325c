"""The expression of a DynamoDB UpdateItem that sets attributes.

Placeholders stand for names and values, because many attribute names are reserved words.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
"""

from collections.abc import Mapping
from typing import Any


def set_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an UpdateItem that sets these attributes.

    Values are DynamoDB's own form, such as `{"S": "text"}`. The arguments are the expression, its
    names and its values.
    """
    numbered = list(enumerate(attributes.items()))
    return {
        "UpdateExpression": "SET " + ", ".join(f"#f{n} = :v{n}" for n, _ in numbered),
        "ExpressionAttributeNames": {f"#f{n}": name for n, (name, _) in numbered},
        "ExpressionAttributeValues": {f":v{n}": value for n, (_, value) in numbered},
    }
