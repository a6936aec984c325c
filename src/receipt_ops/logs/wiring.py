"""Builders of the logs of a deployment's functions."""

from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.wiring import logs_of
from receipt_ops.logs.log_following import FunctionLogs, FunctionName


def function_logs_of(
    connection: Connection, only: FunctionName | None, *, errors: bool
) -> FunctionLogs:
    """Return the logs of both functions, or only of the given one. Raises NotDeployedError."""
    deployment = Deployment(connection)
    wanted = [only] if only else list(FunctionName)
    functions = [
        deployment.stream_processor if one is FunctionName.STREAM else deployment.compactor
        for one in wanted
    ]
    names = [one.name for one in functions]
    return FunctionLogs(logs_of(connection, *functions), names, errors=errors)
