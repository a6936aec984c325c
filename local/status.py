"""The current status of the local AWS, as plain data."""

from dataclasses import dataclass

from local.clients import Clients
from local.errors import NotRunningError
from local.ministack import health
from local.ministack import process as ministack
from local.quick.mappings import mappings_of
from local.quick.queues import Queue
from local.stack import Stack, load
from local.state import State


@dataclass(frozen=True)
class FunctionStatus:
    """One function and its event source mapping."""

    name: str
    state: str
    mapping: str
    last_result: str


@dataclass(frozen=True)
class QueueStatus:
    """The number of visible messages, and of messages that a consumer holds."""

    name: str
    visible: int
    in_flight: int


@dataclass(frozen=True)
class Status:
    """The status of the whole stack. `pid` is None if the endpoint was not started here."""

    endpoint: str
    pid: int | None
    table: str
    bucket: str
    functions: tuple[FunctionStatus, ...]
    queues: tuple[QueueStatus, ...]


def status_of(state: State) -> Status:
    """Return the status of the running stack. Raises NotRunningError, StateFolderError."""
    stack = load(state.path)
    if not health.answers(stack.endpoint):
        raise NotRunningError(
            f"nothing answers at {stack.endpoint}, where {state.path} has its stack: run `up`"
        )
    clients, server = stack.clients(), ministack.find(state)
    queues = stack.queues
    return Status(
        endpoint=stack.endpoint,
        pid=server.pid if server else None,
        table=stack.names.table,
        bucket=stack.names.bucket,
        functions=_functions(clients, stack),
        queues=tuple(
            _queue(clients, queue)
            for queue in (queues.compaction, queues.compaction_dlq, queues.stream_dlq)
        ),
    )


def _functions(clients: Clients, stack: Stack) -> tuple[FunctionStatus, ...]:
    if stack.deployment is None:
        return ()
    names = (stack.names.stream_processor, stack.names.compactor)
    return tuple(_function(clients, name) for name in names)


def _function(clients: Clients, name: str) -> FunctionStatus:
    configuration = clients.lambda_.get_function(FunctionName=name)["Configuration"]
    mapping = next(iter(mappings_of(clients, name)), {})
    return FunctionStatus(
        name,
        configuration.get("State", "unknown"),
        mapping.get("State", "none"),
        mapping.get("LastProcessingResult", ""),
    )


def _queue(clients: Clients, queue: Queue) -> QueueStatus:
    counts = clients.sqs.get_queue_attributes(
        QueueUrl=queue.url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return QueueStatus(
        queue.arn.rsplit(":", 1)[1],
        int(counts["ApproximateNumberOfMessages"]),
        int(counts["ApproximateNumberOfMessagesNotVisible"]),
    )
