"""X-Ray traces: steps without exception texts, and traces that continue behind a queue.

Each message carries the trace header of the invocation that sent it. One invocation of the
compactor receives messages of many traces, and has a trace of its own. Lambda can only link these
traces. Tracing therefore copies the compactor's steps into the trace of each message. One trace
then leads from the stream record to the publish.
https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from aws_lambda_powertools import Tracer
from aws_xray_sdk.core.models.facade_segment import FacadeSegment
from aws_xray_sdk.core.models.subsegment import Subsegment
from aws_xray_sdk.core.models.trace_header import TraceHeader

from receipt_sync.telemetry import Fact

INVOCATION: Final = "## lambda_handler"


class TextlessEmitter:
    """Sends X-Ray entities through another emitter, without the texts of exceptions (I8).

    AWS and Chroma may quote their input in these texts. The type and the stack of each exception
    stay.
    """

    def __init__(self, emitter: Any) -> None:
        self._emitter = emitter

    def send_entity(self, entity: Any) -> None:
        """Remove the exception texts of an entity, and send it."""
        _silence(entity)
        self._emitter.send_entity(entity)

    def set_daemon_address(self, address: str | None) -> None:
        """Set the address of the X-Ray daemon on the wrapped emitter."""
        self._emitter.set_daemon_address(address)


class Tracing:
    """Records the steps of each invocation. Outside Lambda it records nothing."""

    def __init__(self, service: str) -> None:
        tracer: Any = Tracer(service=service)
        self._service, self._enabled = service, not tracer.disabled
        self._recorder = tracer.provider
        self._steps: list[Any] = []
        if self._enabled:
            self._recorder.configure(emitter=TextlessEmitter(self._recorder.emitter))

    @contextmanager
    def step(self, name: str, **facts: Fact) -> Iterator[None]:
        """Record the block as a subsegment with `facts` as annotations."""
        with self._recorder.in_subsegment(name=name) as subsegment:
            if self._enabled and subsegment is not None and subsegment.sampled:
                self._steps.append(subsegment)
                for fact, value in facts.items():
                    subsegment.put_annotation(fact, value)
            yield

    @contextmanager
    def invocation(self, came_with: Iterable[str] = ()) -> Iterator[None]:
        """Record the block as the outermost step of an invocation.

        `came_with` holds the trace headers of the invocation's messages. At the end, the steps are
        copied into each of these traces that is sampled.
        """
        self._steps.clear()
        try:
            with self.step(INVOCATION):
                yield
        finally:
            for origin in _distinct(came_with) if self._steps else ():
                copy = copied(self._steps, origin, self._service)
                self._recorder.emitter.send_entity(copy)

    def header(self) -> str | None:
        """Return the trace header for messages that this step sends, or None without a trace."""
        present = self._recorder.current_subsegment() if self._enabled else None
        if present is None or not present.sampled:
            return None
        header = TraceHeader(root=present.trace_id, parent=present.id, sampled=1)
        return str(header.to_header_str())


def copied(steps: Sequence[Any], origin: TraceHeader, name: str) -> Any:
    """Return a copy of `steps`, outermost first, below the subsegment that `origin` names.

    The outermost copy has the name `name`. Its annotation `invocation_trace` holds the id of the
    trace that it was copied from.
    """
    sender = FacadeSegment("sender", entityid=origin.parent, traceid=origin.root, sampled=True)
    copies: dict[str, Any] = {}
    for step in steps:
        copy = Subsegment(step.name, step.namespace, sender)
        copies.get(step.parent_id, sender).add_subsegment(copy)
        copy.start_time, copy.annotations = step.start_time, dict(step.annotations)
        if getattr(step, "fault", False):
            copy.add_fault_flag()
        copies[step.id] = copy
    whole = copies[steps[0].id]
    whole.name = name
    whole.put_annotation("invocation_trace", steps[0].trace_id)
    for step in steps:  # A closed segment accepts no further subsegments.
        copies[step.id].close(step.end_time)
    return whole


def _distinct(headers: Iterable[str]) -> Iterator[TraceHeader]:
    """Yield each sampled header once."""
    for header in dict.fromkeys(headers):
        origin = TraceHeader.from_header_str(header)
        if origin.root and origin.parent and origin.sampled == 1:
            yield origin


def _silence(entity: Any) -> None:
    if isinstance(entity.cause, dict):
        for exception in entity.cause.get("exceptions", ()):
            exception.message = ""
    for subsegment in entity.subsegments:
        _silence(subsegment)
