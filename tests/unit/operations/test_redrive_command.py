"""`dlq redrive` against a queue of SQS, which has a redrive of its own."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from operations.commands import dlq as dlq_module
from operations.deployment.discovery import Queue
from tests.unit.operations.letters import change_body
from tests.unit.operations.test_cli import CONNECTION, run

DLQ, QUEUE = Queue("https://sqs/dlq", "arn:dlq"), Queue("https://sqs/q", "arn:q")
PARKED = {"reason": "the first death", "message_id": "first", "traceparent": "00-1"}


class Sqs:
    """SQS with one dead letter. `is_moving`: a redrive of SQS runs already."""

    def __init__(self, *, is_moving: bool) -> None:
        self.is_moving, self.tasks = is_moving, 0
        self.letters = {"handle": {n: {"StringValue": v} for n, v in PARKED.items()}}
        self.hidden: set[str] = set()
        self.sent: list[dict[str, str]] = []

    def receive_message(self, **_: Any) -> Any:
        found = [self._message(handle) for handle in self.letters if handle not in self.hidden]
        self.hidden |= set(self.letters)
        return {"Messages": found}

    def get_queue_attributes(self, **_: Any) -> Any:
        counts = dict.fromkeys(("", "Delayed", "NotVisible"), "0")
        return {"Attributes": {f"ApproximateNumberOfMessages{k}": v for k, v in counts.items()}}

    def change_message_visibility_batch(self, **_: Any) -> None:
        pass

    def delete_message_batch(self, **arguments: Any) -> Any:
        for entry in arguments["Entries"]:
            self.letters.pop(entry["ReceiptHandle"])
        return {}

    def send_message(self, **arguments: Any) -> None:
        assert arguments["QueueUrl"] == QUEUE.url
        self._send(arguments["MessageAttributes"])

    def start_message_move_task(self, **_: Any) -> None:
        """Move each letter as it is, with the attributes of its first death."""
        self.tasks += 1
        if self.is_moving:
            text = "There is already a task running. Only one active task is allowed."
            code = "AWS.SimpleQueueService.UnsupportedOperation"
            error: Any = {"Error": {"Code": code, "Message": text}}
            raise ClientError(error, "StartMessageMoveTask")
        for handle in list(self.letters):
            self._send(self.letters.pop(handle))

    def list_message_move_tasks(self, **_: Any) -> Any:
        return {"Results": [{"Status": "COMPLETED", "ApproximateNumberOfMessagesMoved": 1}]}

    def _send(self, attributes: dict[str, Any]) -> None:
        self.sent.append({name: value["StringValue"] for name, value in attributes.items()})

    def _message(self, handle: str) -> dict[str, Any]:
        return {
            "MessageId": "id",
            "Body": change_body(),
            "ReceiptHandle": handle,
            "Attributes": {},
            "MessageAttributes": self.letters[handle],
        }


@pytest.mark.parametrize("is_moving", [False, True])
def test_all_letters_are_sent_without_the_reason_of_their_first_death_and_not_by_sqs_itself(
    is_moving: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS keeps the reason, and it refuses a second task as it refuses one that it can't do."""
    sqs: Any = Sqs(is_moving=is_moving)
    deployment = SimpleNamespace(compaction_dlq=DLQ, queue=QUEUE)
    monkeypatch.setattr(dlq_module, "connection_of_process", lambda: replace(CONNECTION, sqs=sqs))
    monkeypatch.setattr(dlq_module, "Deployment", lambda _: deployment)
    answer = run("dlq", "redrive", "--queue", "compaction", "--yes")
    assert answer.exit_code == 0, answer.output
    assert (sqs.sent, sqs.letters) == ([{"traceparent": "00-1"}], {})
    assert sqs.tasks == 0
