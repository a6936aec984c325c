"""The compactor's two queues: what a call holds, and what SQS's answers mean."""

from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from compactor.batch.dead_letters import DeadLetter
from compactor.batch.entries import QueueMessage
from compactor.batch.sqs_dead_letters import SQSDeadLetterQueue
from compactor.batch.sqs_queue import SQSCompactionQueue, receive_count
from receipt_sync.errors import DeadLettersNotParkedError, QueueSendError

URL = "http://127.0.0.1:1/queue"
MESSAGES = [QueueMessage(f"m{number}", "body", f"handle-{number}") for number in range(25)]


class SQS:
    """Keeps each call. `failed` are the codes of the entries that it refuses, by handle or body."""

    def __init__(self, **failed: str) -> None:
        self.failed = {name.replace("_", "-"): code for name, code in failed.items()}
        self.calls: list[list[dict[str, Any]]] = []
        self.down = False
        self.messages: list[dict[str, Any]] = []

    def _answer(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        assert QueueUrl == URL
        self.calls.append(Entries)
        if self.down:
            raise ReadTimeoutError(endpoint_url=URL)
        names = {e["Id"]: e.get("ReceiptHandle") or e["MessageBody"] for e in Entries}
        code = {number: self.failed.get(name) for number, name in names.items()}
        return {
            "Successful": [{"Id": number} for number, found in code.items() if found is None],
            "Failed": [{"Id": n, "Code": found} for n, found in code.items() if found is not None],
        }

    change_message_visibility_batch = delete_message_batch = send_message_batch = _answer

    def receive_message(self, **request: Any) -> dict[str, Any]:
        self.request = request
        return {"Messages": self.messages} if self.messages else {}


def queue(sqs: SQS) -> SQSCompactionQueue:
    return SQSCompactionQueue(sqs, URL)  # type: ignore[arg-type]


def test_messages_come_with_the_number_of_their_deliveries() -> None:
    sqs = SQS()
    assert queue(sqs).receive(7) == []
    assert sqs.request["MaxNumberOfMessages"] == 7
    assert sqs.request["MessageSystemAttributeNames"] == ["ApproximateReceiveCount"]
    whole = {"MessageId": "m", "Body": "b", "ReceiptHandle": "h"}
    sqs.messages = [whole | {"Attributes": {"ApproximateReceiveCount": "4"}}, whole]
    assert queue(sqs).receive(10) == [
        QueueMessage("m", "b", "h", receives=4),
        QueueMessage("m", "b", "h", receives=1),
    ]
    assert receive_count({}) == 1


def test_messages_are_hidden_ten_a_call_for_the_same_time() -> None:
    sqs = SQS()
    assert queue(sqs).hide(MESSAGES, 33) == 25
    assert [len(call) for call in sqs.calls] == [10, 10, 5]
    entries = [entry for call in sqs.calls for entry in call]
    assert [entry["ReceiptHandle"] for entry in entries] == [m.receipt_handle for m in MESSAGES]
    assert {entry["VisibilityTimeout"] for entry in entries} == {33}
    assert all(len({e["Id"] for e in call}) == len(call) for call in sqs.calls)


def test_a_message_that_could_not_be_hidden_is_not_counted() -> None:
    assert queue(SQS(handle_3="InvalidParameterValue")).hide(MESSAGES, 33) == 24
    sqs = SQS()
    sqs.down = True
    assert queue(sqs).hide(MESSAGES, 33) == 0
    assert len(sqs.calls) == 3


def test_messages_are_deleted_ten_a_call() -> None:
    sqs = SQS()
    assert queue(sqs).delete(MESSAGES) == 25
    assert [len(call) for call in sqs.calls] == [10, 10, 5]


@pytest.mark.parametrize("code", ["ReceiptHandleIsInvalid", "InvalidParameterValue"])
def test_a_message_whose_handle_has_expired_comes_again_and_is_no_error(code: str) -> None:
    assert queue(SQS(handle_3=code, handle_21=code)).delete(MESSAGES) == 23


def test_messages_that_sqs_did_not_delete_are_counted_in_an_error() -> None:
    sqs = SQS(handle_3="InternalError", handle_4="Throttled", handle_21="ReceiptHandleIsInvalid")
    with pytest.raises(QueueSendError, match=r"^2 messages .+\(InternalError, Throttled\)"):
        queue(sqs).delete(MESSAGES)
    assert len(sqs.calls) == 3


LETTERS = [DeadLetter(f"body-{number}", f"why {number}", f"m{number}") for number in range(3)]


def test_a_dead_letter_is_the_body_with_its_reason_and_its_message() -> None:
    sqs = SQS()
    SQSDeadLetterQueue(sqs, URL).park(LETTERS)  # type: ignore[arg-type]
    ((first, *_),) = sqs.calls
    values = {name: held["StringValue"] for name, held in first["MessageAttributes"].items()}
    assert (first["MessageBody"], values) == ("body-0", {"reason": "why 0", "message_id": "m0"})


def test_a_dead_letter_without_a_text_is_still_a_message() -> None:
    sqs = SQS()
    SQSDeadLetterQueue(sqs, URL).park([DeadLetter("", "empty", "m")])  # type: ignore[arg-type]
    assert sqs.calls[0][0]["MessageBody"] == " "


def test_dead_letters_that_were_not_stored_are_named_with_the_codes() -> None:
    sqs = SQS(body_1="Throttled")
    with pytest.raises(DeadLettersNotParkedError, match="Throttled") as raised:
        SQSDeadLetterQueue(sqs, URL).park(LETTERS)  # type: ignore[arg-type]
    assert raised.value.message_ids == {"m1"}


def test_a_dead_letter_that_the_answer_leaves_out_counts_as_not_stored() -> None:
    sqs = SQS()
    sqs.send_message_batch = lambda **_: {"Successful": [{"Id": "0"}, {"Id": "2"}]}  # type: ignore[method-assign]
    with pytest.raises(DeadLettersNotParkedError) as raised:
        SQSDeadLetterQueue(sqs, URL).park(LETTERS)  # type: ignore[arg-type]
    assert raised.value.message_ids == {"m1"}
