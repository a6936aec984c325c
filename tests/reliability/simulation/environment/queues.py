# ruff: noqa: N803 boto3's own argument names
"""Standard queues: at-least-once delivery in any order, visibility timeout, redrive policy."""

from collections.abc import Callable
from typing import Any

from tests.reliability.simulation.environment.aws_errors import refused, unreachable
from tests.reliability.simulation.environment.gate import Gate
from tests.reliability.simulation.environment.scheduler import Scheduler, Signal
from tests.reliability.simulation.environment.seeded_random import SeededRandom
from tests.reliability.simulation.faults.faults import Kind, Side


class Message:
    """One message of a queue."""

    def __init__(self, message_id: str, body: str, reason: str | None, visible_at: float) -> None:
        self.message_id, self.body, self.reason = message_id, body, reason
        self.visible_at = visible_at
        self.receives = 0
        self.received_at = 0.0


class Traffic:
    """The irregularities of a queue: shares of messages, and seconds."""

    def __init__(self, doubled: float, delayed: float, longest_delay: float) -> None:
        self.doubled, self.delayed, self.longest_delay = doubled, delayed, longest_delay


class Queue:
    """A queue.

    It calls `on_accept` for each accepted message and `on_delete` for each acknowledgement.
    """

    def __init__(
        self,
        name: str,
        scheduler: Scheduler,
        random: SeededRandom,
        traffic: Traffic,
        visibility: float,
    ) -> None:
        self.name, self._scheduler, self._random = name, scheduler, random
        self.traffic, self.visibility = traffic, visibility
        self.messages: dict[str, Message] = {}
        self.arrived = Signal()
        self.max_receives: int | None = None
        self.dead_letters: Queue | None = None
        self.on_accept: Callable[[Message], None] = _ignored
        self.on_delete: Callable[[Message], None] = _ignored
        self.faulty = True
        self._numbers = 0
        self._draws = 0

    def send(self, body: str, reason: str | None = None) -> str:
        self._numbers += 1
        message_id = f"{self.name}-{self._numbers}"
        delay = 0.0
        if self.faulty and self._happens(self.traffic.delayed, "delay", message_id):
            delay = self.traffic.longest_delay * self._random.fraction(
                self.name, "how long", message_id
            )
        message = Message(message_id, body, reason, self._scheduler.now + delay)
        self._store(message)
        self.on_accept(message)
        return message_id

    def receive(self, at_most: int) -> list[Message]:
        """Return some visible messages in any order, and hide each for the visibility timeout."""
        now = self._scheduler.now
        visible = [m for m in self.messages.values() if m.visible_at <= now]
        self._draws += 1
        order = [(self._random.fraction(self.name, self._draws, m.message_id), m) for m in visible]
        taken: list[Message] = []
        for _, message in sorted(order, key=lambda pair: pair[0]):
            message.receives += 1
            if self.max_receives is not None and message.receives > self.max_receives:
                self._bury(message)
            elif len(taken) < at_most:
                message.visible_at, message.received_at = now + self.visibility, now
                taken.append(message)
            else:
                message.receives -= 1
        for message in taken:
            if self.faulty and self._happens(self.traffic.doubled, "twice", message, self._draws):
                message.visible_at = now + 0.1
                message.receives -= 1  # The copy on a second server has its own count.
        return taken

    def delete(self, message_id: str) -> None:
        message = self.messages.pop(message_id, None)
        if message is None:
            return
        self.on_delete(message)
        if self.faulty and self._happens(self.traffic.doubled, "ghost", message):
            # At-least-once delivery includes messages that were already deleted.
            message.visible_at = self._scheduler.now + 30.0
            message.receives -= 1  # The server that missed the deletion has its own count.
            self._store(message)

    def hide(self, message_id: str, seconds: float) -> None:
        """Make a received message visible again after `seconds` instead."""
        if message_id in self.messages:
            self.messages[message_id].visible_at = self._scheduler.now + seconds

    def next_visible(self) -> float | None:
        return min((m.visible_at for m in self.messages.values()), default=None)

    def redrive(self, target: "Queue", wanted: Callable[[Message], bool]) -> int:
        """Move messages to another queue, as an operator does."""
        moved = [m for m in self.messages.values() if wanted(m)]
        for message in moved:
            del self.messages[message.message_id]
            target.send(message.body)
        return len(moved)

    def _store(self, message: Message) -> None:
        self.messages[message.message_id] = message
        self._scheduler.give(self.arrived)

    def _bury(self, message: Message) -> None:
        if self.dead_letters is None:
            raise RuntimeError(f"{self.name} has no dead-letter queue")
        del self.messages[message.message_id]
        self.dead_letters.send(message.body)

    def _happens(self, share: float, what: str, message: Message | str, *more: object) -> bool:
        name = message if isinstance(message, str) else (message.message_id, message.receives)
        return self._random.happens(share, self.name, what, name, *more)


class SQSClient:
    """Implements the calls of boto3's SQS client that the project uses.

    The URL of a queue is its name.
    """

    def __init__(self, queues: dict[str, Queue], gate: Gate) -> None:
        self._queues, self._gate = queues, gate

    def send_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        queue = self._queues[QueueUrl]

        def effect(special: Kind | None) -> dict[str, Any]:
            failed = Entries[::2] if special is Kind.PARTIAL else []
            return {
                "Successful": [
                    {"Id": e["Id"], "MessageId": queue.send(e["MessageBody"], _reason(e))}
                    for e in Entries
                    if e not in failed
                ],
                "Failed": [
                    {"Id": e["Id"], "SenderFault": False, "Code": "InternalError"} for e in failed
                ],
            }

        parks = any(_reason(entry) is not None for entry in Entries)
        step = f"{QueueUrl.rsplit('/', 1)[1]}.park" if parks else "changes.send"
        return self._call(step, effect, "SendMessageBatch", Kind.PARTIAL, Kind.REPEATED)

    def send_message(
        self, QueueUrl: str, MessageBody: str, MessageAttributes: dict[str, Any]
    ) -> dict[str, Any]:
        reason = MessageAttributes["reason"]["StringValue"]

        def effect(_: Kind | None) -> dict[str, Any]:
            return {"MessageId": self._queues[QueueUrl].send(MessageBody, reason)}

        return self._call(
            f"{QueueUrl.rsplit('/', 1)[1]}.park", effect, "SendMessage", Kind.REPEATED
        )

    def receive_message(
        self,
        QueueUrl: str,
        MaxNumberOfMessages: int,
        WaitTimeSeconds: float,
        MessageSystemAttributeNames: list[str],
    ) -> dict[str, Any]:
        queue = self._queues[QueueUrl]
        self._gate.scheduler.sleep(0 if queue.messages else WaitTimeSeconds)

        def effect(_: Kind | None) -> dict[str, Any]:
            taken = queue.receive(MaxNumberOfMessages)
            return {
                "Messages": [
                    {
                        "MessageId": m.message_id,
                        "Body": m.body,
                        "ReceiptHandle": m.message_id,
                        "Attributes": {n: str(m.receives) for n in MessageSystemAttributeNames},
                    }
                    for m in taken
                ]
            }

        return self._call("queue.receive", effect, "ReceiveMessage")

    def delete_message_batch(self, QueueUrl: str, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        queue = self._queues[QueueUrl]

        def effect(special: Kind | None) -> dict[str, Any]:
            failed = Entries[::2] if special is Kind.PARTIAL else []
            for entry in Entries:
                if entry not in failed:
                    queue.delete(entry["ReceiptHandle"])
            return {"Failed": [{"Id": entry["Id"], "Code": "InternalError"} for entry in failed]}

        return self._call("queue.delete", effect, "DeleteMessageBatch", Kind.PARTIAL, Kind.REPEATED)

    def change_message_visibility_batch(
        self, QueueUrl: str, Entries: list[dict[str, Any]]
    ) -> dict[str, Any]:
        queue = self._queues[QueueUrl]

        def effect(special: Kind | None) -> dict[str, Any]:
            failed = Entries[::2] if special is Kind.PARTIAL else []
            done = [entry for entry in Entries if entry not in failed]
            for entry in done:
                queue.hide(entry["ReceiptHandle"], entry["VisibilityTimeout"])
            return {
                "Successful": [{"Id": entry["Id"]} for entry in done],
                "Failed": [{"Id": entry["Id"]} for entry in failed],
            }

        return self._call("queue.hide", effect, "ChangeMessageVisibilityBatch", Kind.PARTIAL)

    def _call(
        self,
        step: str,
        effect: Callable[[Kind | None], dict[str, Any]],
        operation: str,
        *specials: Kind,
    ) -> dict[str, Any]:
        def error(side: Side) -> Exception:
            if side is Side.AFTER:
                return unreachable()
            return refused(operation, 503, "ServiceUnavailable")

        return self._gate.call(step, effect, error, *specials)


def _ignored(*_: Any) -> None:
    pass


def _reason(entry: dict[str, Any]) -> str | None:
    """Return the reason why a message is set aside, or None."""
    attribute = entry.get("MessageAttributes", {}).get("reason")
    return None if attribute is None else str(attribute["StringValue"])
