"""`dlq redrive` against a queue of SQS, which has a redrive of its own."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from receipt_ops.commands.recovery import dlq as dlq_module
from receipt_ops.dead_letters import tasks
from receipt_ops.deployment.parts import Queue
from tests.unit.receipt_ops.dead_letters.in_memory_queue import change_body
from tests.unit.receipt_ops.terminal.test_cli import CONNECTION, run

DLQ, QUEUE = Queue("https://sqs/dlq", "arn:dlq"), Queue("https://sqs/q", "arn:q")
PARKED = {"reason": "the first failure", "message_id": "first", "traceparent": "00-1"}


class SQS:
    """SQS with one dead letter. `is_moving`: a redrive of SQS runs already."""

    def __init__(self, *, is_moving: bool) -> None:
        self.is_moving, self.tasks = is_moving, 0
        self.dead_letters = {"handle": {n: {"StringValue": v} for n, v in PARKED.items()}}
        self.hidden: set[str] = set()
        self.sent: list[dict[str, str]] = []

    def receive_message(self, **_: Any) -> Any:
        found = [self._message(handle) for handle in self.dead_letters if handle not in self.hidden]
        self.hidden |= set(self.dead_letters)
        return {"Messages": found}

    def get_queue_attributes(self, **_: Any) -> Any:
        counts = dict.fromkeys(("", "Delayed", "NotVisible"), "0")
        return {"Attributes": {f"ApproximateNumberOfMessages{k}": v for k, v in counts.items()}}

    def change_message_visibility_batch(self, **_: Any) -> None:
        pass

    def delete_message_batch(self, **arguments: Any) -> Any:
        for entry in arguments["Entries"]:
            self.dead_letters.pop(entry["ReceiptHandle"])
        return {}

    def send_message(self, **arguments: Any) -> None:
        assert arguments["QueueUrl"] == QUEUE.url
        self._send(arguments["MessageAttributes"])

    def start_message_move_task(self, **_: Any) -> None:
        """Move each dead letter with all attributes, also those of its first failure."""
        self.tasks += 1
        if self.is_moving:
            text = "There is already a task running. Only one active task is allowed."
            code = "AWS.SimpleQueueService.UnsupportedOperation"
            error: Any = {"Error": {"Code": code, "Message": text}}
            raise ClientError(error, "StartMessageMoveTask")
        for handle in list(self.dead_letters):
            self._send(self.dead_letters.pop(handle))

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
            "MessageAttributes": self.dead_letters[handle],
        }


@pytest.mark.parametrize("is_moving", [False, True])
def test_redriven_dead_letters_lose_their_first_reason_and_no_move_task_of_sqs_starts(
    is_moving: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQS keeps the reason, and it refuses a second task as it refuses one that it can't do."""
    sqs: Any = SQS(is_moving=is_moving)
    deployment = SimpleNamespace(compaction_dlq=DLQ, queue=QUEUE)
    monkeypatch.setattr(dlq_module, "connection_of_process", lambda: replace(CONNECTION, sqs=sqs))
    monkeypatch.setattr(tasks, "Deployment", lambda _: deployment)
    answer = run("dlq", "redrive", "--queue", "compaction", "--yes")
    assert answer.exit_code == 0, answer.output
    assert (sqs.sent, sqs.dead_letters) == ([{"traceparent": "00-1"}], {})
    assert sqs.tasks == 0
