"""Changes that the compaction queue does not take are reported with the reason."""

from random import Random
from typing import Any

import pytest

from receipt_ops.connection import Connection, Names
from receipt_ops.errors import OperationError
from receipt_ops.repair.changes import LastError, QueueChanges, recompute
from receipt_ops.terminal.failures import explained
from receipt_sync.null_telemetry import NullTelemetry
from stream_processor.sqs_publisher import SQSChangePublisher
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.repair.repairs import LINE
from tests.unit.stream_processor.fakes import DOWN, FakeSQS, refusal

CLIENT: Any = None
CONNECTION = Connection(Names("t", "https://sqs/q", "b"), CLIENT, CLIENT, CLIENT)


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ([refusal("AccessDenied")] * 5, "lack the permission for SendMessageBatch: ask for"),
        ([refusal()] * 5, "there is no queue https://sqs/q: correct COMPACTION_QUEUE_URL"),
        ([DOWN] * 5, "AWS can't be reached"),
        ([refusal("InvalidParameterValue")] * 5, "refused 1 of 1 messages: run the command again"),
    ],
)
def test_changes_that_the_queue_refuses_are_a_sentence_that_says_why(
    errors: list[Exception], words: str
) -> None:
    """Without sqs:SendMessage, the command only advised to run it again."""
    clock, last = ManualClock(), LastError()
    sqs: Any = FakeSQS(failures=errors)
    publisher = SQSChangePublisher(sqs, "url", Random(1), NullTelemetry(), on_error=last.note)
    changes = QueueChanges(publisher, clock, last)
    with pytest.raises(OperationError) as raised, explained(CONNECTION):
        changes.send(recompute([LINE], clock.now(), "backfill"))
    assert words in str(raised.value)


def test_the_error_of_an_earlier_call_is_not_the_reason_of_a_later_one() -> None:
    clock, last = ManualClock(), LastError()
    sqs: Any = FakeSQS(lambda _: "sender", failures=[refusal("AccessDenied")])
    publisher = SQSChangePublisher(sqs, "url", Random(1), NullTelemetry(), on_error=last.note)
    changes = QueueChanges(publisher, clock, last)
    for _ in range(2):
        with pytest.raises(OperationError) as raised:
            changes.send(recompute([LINE], clock.now(), "backfill"))
    assert raised.value.__cause__ is None
