"""A repeated deletion succeeds, as on a standard queue of SQS. A first one is not changed."""

import json
from types import SimpleNamespace
from typing import Any

from tests.reliability.lost_answers.repeated_deletes import as_sqs_answers

ANSWER = {
    "Successful": [{"Id": "0"}],
    "Failed": [
        {"Id": "1", "Code": "ReceiptHandleIsInvalid"},
        {"Id": "2", "Code": "InternalError"},
    ],
}


def answered(operation: str) -> dict[str, Any]:
    request = SimpleNamespace(headers={"X-Amz-Target": f"AmazonSQS.{operation}".encode()})
    answer = SimpleNamespace(content=json.dumps(ANSWER).encode(), _content=b"")
    given = as_sqs_answers(request, answer)
    return json.loads(given._content or given.content)  # type: ignore[no-any-return]


def test_a_handle_that_is_deleted_already_succeeds_and_another_error_stays() -> None:
    assert answered("DeleteMessageBatch") == {
        "Successful": [{"Id": "0"}, {"Id": "1"}],
        "Failed": [{"Id": "2", "Code": "InternalError"}],
    }


def test_other_calls_are_not_changed() -> None:
    assert answered("ChangeMessageVisibilityBatch") == ANSWER
