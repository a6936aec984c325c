"""The answer of SQS to a deletion that is repeated.

A standard queue accepts the receipt handle of a message that is deleted already: "the request
succeeds" (Amazon SQS API reference, DeleteMessage). MiniStack answers ReceiptHandleIsInvalid.
"""

import json
from typing import Any, Final

_DELETE: Final = "DeleteMessageBatch"
_UNKNOWN_HANDLE: Final = "ReceiptHandleIsInvalid"


def as_sqs_answers(request: Any, answer: Any) -> Any:
    """Return the answer to a repeated request, as a standard queue would give it.

    Entries that MiniStack refuses for another reason stay refused.
    """
    if not str(_text(request.headers.get("X-Amz-Target", ""))).endswith(f".{_DELETE}"):
        return answer
    body = json.loads(answer.content)
    deleted = [each for each in body["Failed"] if each["Code"] == _UNKNOWN_HANDLE]
    body["Failed"] = [each for each in body["Failed"] if each not in deleted]
    body["Successful"] += [{"Id": each["Id"]} for each in deleted]
    answer._content = json.dumps(body).encode()
    return answer


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
