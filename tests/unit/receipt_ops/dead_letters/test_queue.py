"""The dead letters of an SQS queue: each is received once and given back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from receipt_ops.dead_letters.queue import DeadLettersNotDeletedError, held
from receipt_ops.dead_letters.sqs_queue import SQSDeadLetterQueue
from tests.support.fakes.clock import ManualClock


class Backlog:
    """An SQS client whose messages come back once their hold is over. Each call takes 100 ms."""

    def __init__(self, count: int, clock: ManualClock) -> None:
        self.visible_at = {f"id-{n}": 0.0 for n in range(count)}
        self.receives = dict.fromkeys(self.visible_at, 0)
        self.clock = clock

    def receive_message(self, **arguments: Any) -> Any:
        self.clock.sleep(0.1)
        now, most = self.clock.monotonic(), arguments["MaxNumberOfMessages"]
        some = [i for i, at in self.visible_at.items() if at <= now][:most]
        for one in some:
            self.visible_at[one] = now + arguments["VisibilityTimeout"]
            self.receives[one] += 1
        messages = [{"MessageId": i, "Body": "{}", "ReceiptHandle": i} for i in some]
        return {"Messages": messages}

    def change_message_visibility_batch(self, **arguments: Any) -> None:
        for entry in arguments["Entries"]:
            self.visible_at[entry["ReceiptHandle"]] = self.clock.monotonic()

    def get_queue_attributes(self, **_: Any) -> Any:
        held = sum(at > self.clock.monotonic() for at in self.visible_at.values())
        counts = {"": len(self.visible_at) - held, "Delayed": 0, "NotVisible": held}
        return {
            "Attributes": {f"ApproximateNumberOfMessages{k}": str(v) for k, v in counts.items()}
        }


@pytest.mark.parametrize("most", [100, 100_000])
def test_no_message_is_received_twice_in_one_look_and_each_is_given_back(most: int) -> None:
    clock = ManualClock()
    sqs = Backlog(1_500, clock)
    queue = SQSDeadLetterQueue(sqs, "url", 10, clock)  # type: ignore[arg-type]
    with held(queue, most) as found:
        seen = len(found.dead_letters)
        assert found.unseen == 1_500 - seen
    assert max(sqs.receives.values()) == 1
    assert sum(sqs.receives.values()) == seen
    assert all(at <= clock.monotonic() for at in sqs.visible_at.values())


class Queue:
    """An SQS client with some messages."""

    def get_queue_attributes(self, **_: Any) -> Any:
        names = ("", "Delayed", "NotVisible")
        return {"Attributes": {f"ApproximateNumberOfMessages{name}": "0" for name in names}}

    def __init__(self, count: int, *, fails: bool = False) -> None:
        self.waiting = [self._message(n) for n in range(count)]
        self.fails = fails
        self.visible: list[str] = []
        self.deleted: list[str] = []

    def _message(self, number: int) -> dict[str, Any]:
        return {
            "MessageId": f"id-{number}",
            "Body": "{}",
            "ReceiptHandle": f"handle-{number}",
            "Attributes": {"SentTimestamp": "1767225600000", "ApproximateReceiveCount": "3"},
            "MessageAttributes": {"reason": {"StringValue": "because"}},
        }

    def receive_message(self, **arguments: Any) -> Any:
        most = arguments["MaxNumberOfMessages"]
        some, self.waiting = self.waiting[:most], self.waiting[most:]
        return {"Messages": some} if some else {}

    def change_message_visibility_batch(self, **arguments: Any) -> None:
        assert all(entry["VisibilityTimeout"] == 0 for entry in arguments["Entries"])
        self.visible += [entry["ReceiptHandle"] for entry in arguments["Entries"]]

    def delete_message_batch(self, **arguments: Any) -> Any:
        if self.fails:
            return {"Failed": arguments["Entries"]}
        self.deleted += [entry["ReceiptHandle"] for entry in arguments["Entries"]]
        return {}


def test_a_box_receives_until_there_is_no_more_and_keeps_to_its_limit() -> None:
    dead_letters = list(SQSDeadLetterQueue(Queue(23), "url").look(100))  # type: ignore[arg-type]
    assert len(dead_letters) == 23
    assert dead_letters[0].sent == datetime(2026, 1, 1, tzinfo=UTC)
    assert (dead_letters[0].receives, dead_letters[0].reason) == (3, "because")
    assert len(list(SQSDeadLetterQueue(Queue(23), "url").look(12))) == 12  # type: ignore[arg-type]


def test_dead_letters_are_released_and_deleted_ten_a_call_and_a_failure_raises() -> None:
    sqs = Queue(12)
    queue = SQSDeadLetterQueue(sqs, "url")  # type: ignore[arg-type]
    dead_letters = list(queue.look(100))
    queue.let_go(dead_letters)
    queue.delete(dead_letters)
    assert len(sqs.visible) == len(sqs.deleted) == 12
    with pytest.raises(DeadLettersNotDeletedError):
        SQSDeadLetterQueue(Queue(1, fails=True), "url").delete(dead_letters[:1])  # type: ignore[arg-type]
