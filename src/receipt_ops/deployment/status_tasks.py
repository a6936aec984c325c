"""Collects the status from every part of a deployment."""

from collections.abc import Iterator
from contextlib import contextmanager

from receipt_index.reader import Reader
from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.flags import switches_of
from receipt_ops.deployment.freshness import Percentiles, percentiles, values
from receipt_ops.deployment.function_errors import FunctionErrors, errors_of
from receipt_ops.deployment.oldest_message import oldest_message_seconds
from receipt_ops.deployment.opening import Openings
from receipt_ops.deployment.parts import Mapping
from receipt_ops.deployment.status import PERSONS, WINDOW, MappingState, Status
from receipt_ops.deployment.unknown import Unknown
from receipt_ops.deployment.wiring import locks_of, logs_of
from receipt_ops.locks import HeldLock, held_locks
from receipt_ops.readers import snapshot_readers
from receipt_ops.snapshots.manifests import Present
from receipt_ops.snapshots.wiring import present_versions
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_ops.verification.wiring import note_of
from receipt_sync.clock import Clock
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric

_PROBLEM = "PROBLEM"
"""The start of the result that Lambda reports for a mapping that fails."""


def openings_of(connection: Connection, *, all_sizes: bool) -> Openings:
    """Return the openings of a connection's collections."""

    @contextmanager
    def open_reader(collection: Collection) -> Iterator[Reader]:
        with snapshot_readers(connection, [collection]) as readers:
            yield readers[collection]

    return Openings(open_reader, all_sizes=all_sizes)


def collect_status(connection: Connection, clock: Clock, openings: Openings) -> Status:
    """Return the present status. Raises NotDeployedError and the errors of botocore.

    If AWS refuses only some parts, the status marks these as unknown and holds the others.
    """
    deployment, unknown = Deployment(connection), Unknown(connection)
    sqs, ask = connection.sqs, unknown.ask
    queues = {"compaction": deployment.compaction_dlq, "stream": deployment.stream_dlq}
    dead_letters = {name: queue_backlog(sqs, queue.url) for name, queue in queues.items()}
    logged = _Logged(connection, deployment, clock)
    none: Present = {}
    versions = ask("versions", lambda: present_versions(connection), none)
    return Status(
        at=clock.now(),
        freshness=ask("freshness", logged.freshness, None),
        backlog=queue_backlog(sqs, connection.names.compaction_queue_url),
        oldest_seconds=ask("oldest_seconds", lambda: _oldest(connection, deployment, clock), None),
        dead_letters={name: held.waiting + held.in_flight for name, held in dead_letters.items()},
        errors=ask("errors", logged.errors, []),
        locks=ask("locks", lambda: _locks(connection, deployment), None),
        versions=versions,
        openings=ask("openings", lambda: openings.faults(versions), {}),
        comparison=ask("comparison", note_of(connection).read, None),
        switches=switches_of(deployment),
        mappings=[
            *(_mapping("stream", one) for one in deployment.stream_mappings),
            *(_mapping("queue", one) for one in deployment.queue_mappings),
        ],
        refusals=ask("refusals", logged.refusals, {}),
        unknown=unknown.why,
        machine_fault=unknown.machine_fault,
    )


def _oldest(connection: Connection, deployment: Deployment, clock: Clock) -> float | None:
    cloudwatch = connection.client("cloudwatch")
    return oldest_message_seconds(cloudwatch, deployment.queue.name, clock.now())


def _locks(connection: Connection, deployment: Deployment) -> list[HeldLock] | None:
    return held_locks(locks_of(connection, deployment), deployment.lock_id)


def _mapping(name: str, mapping: Mapping) -> MappingState:
    result = str(mapping.settings.get("LastProcessingResult") or "")
    problem = result if result.startswith(_PROBLEM) else None
    return MappingState(name, mapping.uuid, mapping.state, problem, mapping.function)


class _Logged:
    """Reads the recent logs of both functions."""

    def __init__(self, connection: Connection, deployment: Deployment, clock: Clock) -> None:
        functions = (deployment.stream_processor, deployment.compactor)
        self._names = [function.name for function in functions]
        self._since = clock.now() - WINDOW
        self._logs = logs_of(connection, *functions)

    def freshness(self) -> Percentiles | None:
        """Return the freshness of changes; None if nothing was published."""
        return percentiles([value / 1000 for value in self._values(Metric.FRESHNESS)])

    def refusals(self) -> dict[Metric, int]:
        """Return how often the compactor refused work that an operator must repair."""
        return {metric: int(sum(self._values(metric))) for metric in PERSONS}

    def _values(self, metric: Metric) -> list[float]:
        """Return every value of a metric of the compactor, in its unit."""
        return values(self._logs.events(self._names[1], self._since, metric.value), metric)

    def errors(self) -> list[FunctionErrors]:
        """Return the errors of each function that has any."""
        found = (errors_of(self._logs, name, self._since) for name in self._names)
        return [one for one in found if one is not None]
