"""Follows one change through the logs of a deployment."""

from datetime import timedelta

from receipt_ops.connection import Connection
from receipt_ops.dead_letters.naming import names_in_logs
from receipt_ops.dead_letters.wiring import redrive_sources
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.tracing import Step, name_in_logs, together, trace
from receipt_ops.deployment.wiring import logs_of
from receipt_sync.clock import SystemClock


def trace_change(connection: Connection, text: str, back: timedelta) -> list[Step]:
    """Return the log lines of an id. Look a dead letter up by the id of its original message."""
    deployment = Deployment(connection)
    functions = (deployment.stream_processor, deployment.compactor)
    names = [function.name for function in functions]
    logs, since = logs_of(connection, *functions), SystemClock().now() - back
    found = trace(logs, names, name_in_logs(text), since)
    if found:
        return found
    # Look for a dead letter last, because each look counts as a receive.
    originals = names_in_logs(redrive_sources(connection, deployment, None), text)
    return together(trace(logs, names, original, since) for original in originals)
