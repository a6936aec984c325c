"""Asks every part of a deployment how it is."""

from operations.connection import Connection
from operations.deployment.discovery import Deployment, Function
from operations.deployment.flags import switches_of
from operations.deployment.freshness import percentiles, values
from operations.deployment.log_events import CloudWatchLogs
from operations.deployment.status import PERSONS, WINDOW, Status
from operations.locks import DynamoDBLocks, held_locks
from operations.settling import queue_backlog
from operations.snapshots.manifests import present_versions
from receipt_sync.clock import Clock
from receipt_sync.telemetry import Metric


def look(connection: Connection, clock: Clock) -> Status:
    """The status as it is now. Raises NotDeployedError and botocore's errors."""
    deployment = Deployment(connection)
    sqs = connection.sqs
    boxes = {"compaction": deployment.compaction_dlq, "stream": deployment.stream_dlq}
    letters = {name: queue_backlog(sqs, queue.url) for name, queue in boxes.items()}
    locks = DynamoDBLocks(connection.dynamodb, connection.names.table, deployment.heartbeat)
    counted = _Counted(connection, deployment.compactor, clock)
    return Status(
        at=clock.now(),
        freshness=percentiles([value / 1000 for value in counted.of(Metric.FRESHNESS)]),
        backlog=queue_backlog(sqs, connection.names.compaction_queue_url),
        dead_letters={name: held.waiting + held.in_flight for name, held in letters.items()},
        locks=held_locks(locks, deployment.lock_id),
        versions=present_versions(connection),
        switches=switches_of(deployment),
        refusals={metric: int(sum(counted.of(metric))) for metric in PERSONS},
    )


class _Counted:
    """What the compactor has counted lately."""

    def __init__(self, connection: Connection, compactor: Function, clock: Clock) -> None:
        self._name, self._since = compactor.name, clock.now() - WINDOW
        self._logs = CloudWatchLogs(connection.logs, {compactor.name: compactor.log_group})

    def of(self, metric: Metric) -> list[float]:
        """Every value of a metric, in its unit."""
        return values(self._logs.events(self._name, self._since, metric.value), metric)
