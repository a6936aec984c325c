"""Asks every part of a deployment how it is."""

from operations.connection import Connection
from operations.deployment.discovery import Deployment, Mapping, VariablesUnreadableError
from operations.deployment.flags import switches_of
from operations.deployment.freshness import percentiles, values
from operations.deployment.function_errors import FunctionErrors, errors_of
from operations.deployment.last_comparison import BucketNote
from operations.deployment.log_events import CloudWatchLogs
from operations.deployment.oldest_message import oldest_message_seconds
from operations.deployment.opening import Openings
from operations.deployment.status import PERSONS, WINDOW, MappingState, Status
from operations.locks import DynamoDBLocks, HeldLock, held_locks
from operations.settling import queue_backlog
from operations.snapshots.manifests import present_versions
from receipt_sync.clock import Clock
from receipt_sync.telemetry import Metric

_PROBLEM = "PROBLEM"
"""How Lambda begins the result of a mapping that does not work."""


def look(connection: Connection, clock: Clock, openings: Openings) -> Status:
    """Return the status as it is now. Raises NotDeployedError and botocore's errors."""
    deployment = Deployment(connection)
    sqs = connection.sqs
    boxes = {"compaction": deployment.compaction_dlq, "stream": deployment.stream_dlq}
    letters = {name: queue_backlog(sqs, queue.url) for name, queue in boxes.items()}
    logged = _Logged(connection, deployment, clock)
    versions = present_versions(connection)
    cloudwatch = connection.client("cloudwatch")
    return Status(
        at=clock.now(),
        freshness=percentiles([value / 1000 for value in logged.values(Metric.FRESHNESS)]),
        backlog=queue_backlog(sqs, connection.names.compaction_queue_url),
        oldest_seconds=oldest_message_seconds(cloudwatch, deployment.queue.name, clock.now()),
        dead_letters={name: held.waiting + held.in_flight for name, held in letters.items()},
        errors=logged.errors(),
        locks=_locks(connection, deployment),
        versions=versions,
        openings=openings.faults(versions),
        comparison=BucketNote(connection.s3, connection.names.bucket).read(),
        switches=switches_of(deployment),
        mappings=[
            _mapping("stream", deployment.stream_mapping),
            _mapping("queue", deployment.queue_mapping),
        ],
        refusals={metric: int(sum(logged.values(metric))) for metric in PERSONS},
    )


def _locks(connection: Connection, deployment: Deployment) -> list[HeldLock] | None:
    try:
        every, lock_id = deployment.heartbeat, deployment.lock_id
    except VariablesUnreadableError:  # told as unknown: the rest of the screen does not need them
        return None
    return held_locks(DynamoDBLocks(connection.dynamodb, connection.names.table, every), lock_id)


def _mapping(name: str, mapping: Mapping) -> MappingState:
    result = str(mapping.settings.get("LastProcessingResult") or "")
    problem = result if result.startswith(_PROBLEM) else None
    return MappingState(name, mapping.uuid, mapping.state, problem)


class _Logged:
    """What both functions have logged lately."""

    def __init__(self, connection: Connection, deployment: Deployment, clock: Clock) -> None:
        functions = (deployment.stream_processor, deployment.compactor)
        self._names = [function.name for function in functions]
        self._since = clock.now() - WINDOW
        groups = {function.name: function.log_group for function in functions}
        self._logs = CloudWatchLogs(connection.logs, groups)

    def values(self, metric: Metric) -> list[float]:
        """Return every value that the compactor has counted of a metric, in its unit."""
        return values(self._logs.events(self._names[1], self._since, metric.value), metric)

    def errors(self) -> list[FunctionErrors]:
        """Return the errors of each function that has any."""
        found = (errors_of(self._logs, name, self._since) for name in self._names)
        return [one for one in found if one is not None]
