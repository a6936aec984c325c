"""The logic of both functions, with odd input beside sound input that must be applied."""

import json
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from receipt_sync.deadline import Deadline
from receipt_sync.errors import QueueSendError
from receipt_sync.keys import Collection, EntityType
from receipt_sync.messages import Delta, delta_key, read_message
from stream_processor.processor import StreamProcessor
from stream_processor.sqs_parking import SQSParking
from stream_processor.sqs_publisher import SQSChangePublisher
from tests.reliability.fuzz.contract import (
    APPLIED,
    IGNORED,
    PARKED,
    BrokenContractError,
    NoJSONError,
    any_json,
    body_text,
    check_quiet,
)
from tests.reliability.fuzz.seeds import SECRET
from tests.reliability.fuzz.strict_queue import Sent, StrictQueue
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import InMemorySystem, line
from tests.support.fakes.telemetry import RecordingTelemetry

_OF_ITS_KEY: Final = "whatever was said of its key"
_A_WORLD: Final = 200
"""Number of inputs after which a new system is made."""


def stream_events() -> Callable[[bytes], str]:
    """A stream event beside a sound record, which must always be applied.

    The queues are sound too, so the whole event must pass. After an error or a failed record, the
    stream repeats the batch, and its shard waits.
    """
    queue, parked, telemetry = StrictQueue(), StrictQueue(), RecordingTelemetry()
    sqs: Any = queue
    letters: Any = parked
    processor = StreamProcessor(
        SQSChangePublisher(sqs, "queue", Random(1), telemetry),
        SQSParking(letters, "letters"),
        frozenset(EntityType),
        telemetry,
    )

    of_the_last_input: tuple[list[Any], ...] = (
        queue.sent, parked.sent, telemetry.events, telemetry.problems, telemetry.values,
        telemetry.steps,
    )  # fmt: skip

    def check(data: bytes) -> str:
        for kept in of_the_last_input:
            kept.clear()
        try:
            odd = any_json(data)
        except NoJSONError:
            return IGNORED
        records = odd["Records"] if isinstance(odd, dict) and "Records" in odd else [odd]
        records = records if isinstance(records, list) else [records]
        try:
            outcome = processor.process([*records, _SOUND_RECORD], Deadline(ManualClock(), 60))
        except QueueSendError as error:
            raise BrokenContractError("a record blocks its shard: the batch comes again") from error
        if outcome.failed_from is not None:
            raise BrokenContractError(f"a record blocks its shard from {outcome.failed_from} on")
        _check_sent([sent.body for sent in queue.sent])
        check_quiet([_reason(letter) for letter in parked.sent], telemetry)
        return PARKED if parked.sent else APPLIED

    return check


def _reason(letter: Sent) -> str:
    """Return the reason with which a record was parked."""
    in_keys = _has_text_in_keys(json.loads(letter.body))
    return _OF_ITS_KEY if in_keys else letter.attributes["reason"]


def _has_text_in_keys(record: Any) -> bool:
    """Return whether the key of an input contains a text.

    A log may name keys (I8), and the reason quotes the key.
    """
    body = record.get("dynamodb") if isinstance(record, dict) else None
    return isinstance(body, dict) and SECRET in repr(body.get("Keys"))


def _check_sent(bodies: list[str]) -> None:
    keys = set()
    for body in bodies:
        content = read_message(body)
        if content.poison:
            raise BrokenContractError(f"the compactor would park {content.poison[0].reason}")
        keys |= {change.key for change in content.changes}
    if line(1) not in keys:
        raise BrokenContractError("the sound record was not sent")


class _Compaction:
    """A compactor on fakes, with odd messages beside sound messages."""

    def __init__(self) -> None:
        self._left = 0

    def handle(self, bodies: list[str], objects: Mapping[str, bytes]) -> str:
        if self._left == 0:
            self._begin()
        self._left -= 1
        system = self._system
        system.deltas.objects |= objects
        system.dead_letters.parked.clear()
        text = f"{SECRET} {self._left % 2}"
        system.table.put(line(1), text=text)
        report = system.handle(self._compactor, *bodies, system.change_body(line(1), "text"))
        if report.returned:
            raise BrokenContractError(f"messages would come back for ever: {report.returned}")
        if system.index().records[line(1).chroma_id].metadata.get("text") != text:
            raise BrokenContractError("the sound message beside it was not applied")
        parked = system.dead_letters.parked
        check_quiet([reason for _, reason, _ in parked], system.telemetry)
        return PARKED if parked else APPLIED

    def _begin(self) -> None:
        self._left = _A_WORLD
        self._system = InMemorySystem()
        self._compactor = self._system.worker()
        self._system.table.put(line(1), text="")
        self._system.table.put(line(2), text=f"{SECRET} 2")
        body = self._system.delta_body([line(1), line(2)])
        self._system.handle(self._compactor, body)


def compaction_bodies() -> Callable[[bytes], str]:
    compaction = _Compaction()
    return lambda data: compaction.handle([body_text(data)], {})


def compaction_deltas() -> Callable[[bytes], str]:
    """Return a sound delta message whose object holds the bytes."""
    compaction = _Compaction()
    number = iter(range(10_000_000))

    def check(data: bytes) -> str:
        message = Delta.of(Collection.LINES, f"1{next(number):025d}", 2)
        objects = {delta_key(Collection.LINES, message.delta_id): data}
        return compaction.handle([message.model_dump_json(by_alias=True)], objects)

    return check


_SOUND_RECORD: Final = {
    "eventID": "sound",
    "eventName": "INSERT",
    "awsRegion": "eu-west-1",
    "dynamodb": {
        "ApproximateCreationDateTime": 1767225600.0,
        "Keys": {"PK": {"S": line(1).pk}, "SK": {"S": line(1).sk}},
        "NewImage": {"text": {"S": SECRET}},
        "SequenceNumber": "900000",
    },
}
