"""Counts the metrics of a deployment."""

from datetime import timedelta

from receipt_ops.connection import Connection
from receipt_ops.costs.counts import Counts, Memory, counted
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.wiring import logs_of
from receipt_sync.clock import SystemClock


def count_logs(connection: Connection, back: timedelta) -> Counts:
    """Return the counts of the metrics in the logs of both functions."""
    deployment = Deployment(connection)
    stream, compactor = deployment.stream_processor, deployment.compactor
    logs = logs_of(connection, stream, compactor)
    since = SystemClock().now() - back
    return counted(
        logs.lines(stream.name, since),
        logs.lines(compactor.name, since),
        Memory(stream.settings["MemorySize"], compactor.settings["MemorySize"]),
        back.total_seconds(),
    )
