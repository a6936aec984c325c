"""The parts of AWS around the two functions: they poll, invoke, and handle the responses."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import compactor.handler
import stream_processor.handler
from tests.reliability.simulation.environment.queues import Message
from tests.reliability.simulation.environment.scheduler import Process, Signal, Task
from tests.reliability.simulation.environment.table import StreamRecord
from tests.reliability.simulation.environment.threads import START

if TYPE_CHECKING:
    from tests.reliability.simulation.environment.simulated_system import (
        SimulatedSystem,
        WorkerProcess,
    )

_COMPACTOR_SECONDS = 300.0
_STREAM_SECONDS = 60.0
Handler = Callable[[Any, Any], Any]


class Context:
    """Implements the members of LambdaContext that the handlers use."""

    aws_request_id = "simulated"

    def __init__(self, now: Callable[[], float], seconds: float) -> None:
        self._now, self._end = now, now() + seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * (self._end - self._now()))


class Slot:
    """One concurrent execution of a function: a warm process, or none yet."""

    def __init__(self, system: "SimulatedSystem", role: str, number: int) -> None:
        self._system, self._role, self._number = system, role, number
        self.process: WorkerProcess | None = None
        self._starts = 0
        self.busy = False
        """Whether an invocation runs. A process has one at a time."""

    def invoke(self, handler: Handler, event: Any, seconds: float) -> Task | None:
        """Run an invocation and return its task. Return None if its process died or timed out."""
        self.busy = True
        try:
            return self._invoke(handler, event, seconds)
        finally:
            self.busy = False

    def _invoke(self, handler: Handler, event: Any, seconds: float) -> Task | None:
        scheduler = self._system.scheduler
        process = self._warm()
        process.invoked_at = scheduler.now
        context = Context(lambda: scheduler.now, seconds)
        task = scheduler.spawn(process, lambda: handler(event, context))
        scheduler.wait(task.ended, seconds)
        if task.done and process.alive:
            return task
        if process.alive:
            scheduler.kill(process)
        self.process = None
        return None

    def cool(self) -> None:
        """Kill the warm process, so that the next invocation starts cold."""
        if self.process is not None:
            self._system.scheduler.kill(self.process)
            self.process = None

    def _warm(self) -> "WorkerProcess":
        conditions = self._system.conditions
        cold = self._system.random.happens(
            conditions.cold, "cold", self._role, self._number, self._system.scheduler.now
        )
        if self._system.faults.active and cold:
            self.cool()
        if self.process is None or not self.process.alive:
            self._starts += 1
            name = f"{self._role}-{self._number}.{self._starts}"
            self.process = self._system.start(name)
        return self.process


class QueuePoller:
    """The event source mapping of the compaction queue for one slot: receive, invoke, delete."""

    def __init__(self, system: "SimulatedSystem", slot: Slot) -> None:
        self._system, self._slot = system, slot

    def run(self) -> None:
        system, queue = self._system, self._system.compaction_queue
        while True:
            soonest = queue.next_visible()
            if soonest is None or soonest > system.scheduler.now:
                timeout = None if soonest is None else soonest - system.scheduler.now
                system.scheduler.wait(queue.arrived, timeout)
                continue
            system.scheduler.sleep(system.conditions.window)
            messages = queue.receive(system.conditions.messages_a_batch)
            if messages:
                self._handle(messages)

    def _handle(self, messages: list[Message]) -> None:
        event = {"Records": [_sqs_record(message) for message in messages]}
        task = self._slot.invoke(compactor.handler.lambda_handler, event, _COMPACTOR_SECONDS)
        if task is None or task.error is not None:
            return  # The messages become visible again.
        failed = {one["itemIdentifier"] for one in task.result["batchItemFailures"]}
        self._system.check_answered("the compactor", failed)
        for message in messages:
            if message.message_id not in failed:
                self._system.compaction_queue.delete(message.message_id)


class Shard:
    """A shard of the table's stream with its poller.

    It repeats each batch until it passes, in order.
    """

    def __init__(self, system: "SimulatedSystem", slot: Slot) -> None:
        self._system, self.slot = system, slot
        self.records: list[StreamRecord] = []
        self.position = 0
        self._arrived = Signal()

    def append(self, record: StreamRecord) -> None:
        self.records.append(record)
        self._system.scheduler.give(self._arrived)

    @property
    def behind(self) -> int:
        return len(self.records) - self.position

    def run(self) -> None:
        scheduler = self._system.scheduler
        while True:
            if not self.behind:
                scheduler.wait(self._arrived)
            scheduler.sleep(0.2)
            size = self._system.conditions.records_a_batch
            batch = self.records[self.position : self.position + size]
            passed = self._handle(batch)
            self._system.passed_stream(batch[:passed])
            self.position += passed
            if passed < len(batch):
                scheduler.sleep(2.0)

    def _handle(self, batch: list[StreamRecord]) -> int:
        """Return the number of records of the batch that are finished."""
        event = {"Records": [_stream_record(record) for record in batch]}
        task = self.slot.invoke(stream_processor.handler.lambda_handler, event, _STREAM_SECONDS)
        if task is None or task.error is not None:
            return 0
        failures = task.result["batchItemFailures"]
        self._system.check_answered("the stream processor", failures)
        if not failures:
            return len(batch)
        sequences = [str(record.tick) for record in batch]
        return sequences.index(failures[0]["itemIdentifier"])


def drain(slot: Slot) -> None:
    """Invoke the compactor directly with an empty event."""
    slot.invoke(compactor.handler.lambda_handler, {}, _COMPACTOR_SECONDS)


def _sqs_record(message: Message) -> dict[str, Any]:
    return {
        "messageId": message.message_id,
        "receiptHandle": message.message_id,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
    }


def _stream_record(record: StreamRecord) -> dict[str, Any]:
    pk, sk = record.key
    data: dict[str, Any] = {
        "Keys": {"PK": {"S": pk}, "SK": {"S": sk}},
        "SequenceNumber": str(record.tick),
        "ApproximateCreationDateTime": START.timestamp() + record.at,
    }
    if record.old is not None:
        data["OldImage"] = dict(record.old)
    if record.new is not None:
        data["NewImage"] = dict(record.new)
    name = "INSERT" if record.old is None else "REMOVE" if record.new is None else "MODIFY"
    # Lambda parses the event from JSON, so that it shares nothing with the table.
    event: dict[str, Any] = json.loads(
        json.dumps({"eventID": f"r{record.tick}", "eventName": name, "dynamodb": data,
                    "awsRegion": "eu-west-1", "eventSource": "aws:dynamodb"})
    )  # fmt: skip
    return event


def aws(name: str) -> Process:
    """Return a process of AWS itself, which no fault affects."""
    return Process(name, mortal=False)
