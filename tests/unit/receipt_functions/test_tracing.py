"""What goes to the X-Ray daemon: steps, their copies in the senders' traces, and no text."""

import json
from typing import Any

import pytest
from aws_xray_sdk.core.models.facade_segment import FacadeSegment
from aws_xray_sdk.core.models.subsegment import Subsegment
from aws_xray_sdk.core.models.trace_header import TraceHeader

from receipt_functions.tracing import TextlessEmitter, Tracing, _distinct, copied

ORIGIN = TraceHeader("1-00000001-000000000000000000000001", "00000000000000aa", 1)
HEADER = ORIGIN.to_header_str()


class Sent:
    """An emitter that remembers."""

    def __init__(self) -> None:
        self.documents: list[dict[str, Any]] = []
        self.address: str | None = None

    def send_entity(self, entity: Any) -> None:
        self.documents.append(json.loads(entity.serialize()))

    def set_daemon_address(self, address: str | None) -> None:
        self.address = address


def invocation() -> list[Any]:
    """Three finished steps: the whole, a part of it, and a part of that, which failed."""
    whole = FacadeSegment("facade", "00000000000000bb", "1-00000002-000000000000000000000002", True)
    steps: list[Any] = []
    parent: Any = whole
    for number, name in enumerate(("whole", "cycle", "publish")):
        step = Subsegment(name, "local", whole)
        parent.add_subsegment(step)
        step.start_time = 100.0 + number
        steps.append(step)
        parent = step
    steps[1].put_annotation("collection", "receipt_lines")
    steps[2].add_exception(ValueError("FLAT WHITE 4.50"), [])
    for number, step in enumerate(steps):
        step.close(110.0 - number)
    return steps


def test_the_steps_go_on_below_the_step_that_sent_the_message() -> None:
    steps = invocation()
    copy = copied(steps, ORIGIN, "compactor").to_dict()
    (cycle,) = copy["subsegments"]
    (publish,) = cycle["subsegments"]
    assert (copy["trace_id"], copy["parent_id"]) == (ORIGIN.root, ORIGIN.parent)
    assert [part["name"] for part in (copy, cycle, publish)] == ["compactor", "cycle", "publish"]
    assert [part["start_time"] for part in (copy, cycle, publish)] == [100, 101, 102]
    assert [part["end_time"] for part in (copy, cycle, publish)] == [110, 109, 108]
    assert copy["annotations"] == {"invocation_trace": steps[0].trace_id}
    assert cycle["annotations"] == {"collection": "receipt_lines"}
    assert publish["fault"] is True
    assert "fault" not in copy
    assert not {copy["id"], cycle["id"], publish["id"]} & {step.id for step in steps}


def test_exceptions_leave_their_type_and_not_their_text() -> None:
    whole, *_ = invocation()
    sent = Sent()
    TextlessEmitter(sent).send_entity(whole)
    text = json.dumps(sent.documents)
    assert "ValueError" in text
    assert "FLAT WHITE" not in text


def test_the_daemons_address_is_passed_on() -> None:
    sent = Sent()
    TextlessEmitter(sent).set_daemon_address("127.0.0.1:3000")
    assert sent.address == "127.0.0.1:3000"


@pytest.mark.parametrize(
    "header", ["", "nonsense", "Root=1;Sampled=1", HEADER.replace("Sampled=1", "Sampled=0")]
)
def test_a_message_without_a_sampled_trace_leads_nowhere(header: str) -> None:
    assert list(_distinct([header])) == []


def test_a_trace_of_many_messages_is_gone_on_with_once() -> None:
    assert [origin.root for origin in _distinct([HEADER, HEADER])] == [ORIGIN.root]


def test_outside_of_lambda_nothing_is_traced() -> None:
    tracing = Tracing("a service")
    with tracing.invocation([HEADER]), tracing.step("cycle", collection="receipt_lines"):
        assert tracing.header() is None
