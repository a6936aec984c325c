"""Builders of the adapters that read the logs and the leases of a deployment."""

from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.parts import Function
from receipt_ops.dynamodb_locks import DynamoDBLocks
from receipt_ops.logs.cloudwatch_logs import CloudWatchLogs


def logs_of(connection: Connection, *functions: Function) -> CloudWatchLogs:
    """Return the logs of some functions."""
    groups = {function.name: function.log_group for function in functions}
    return CloudWatchLogs(connection.logs, groups)


def locks_of(connection: Connection, deployment: Deployment) -> DynamoDBLocks:
    """Return the leases in the connection's table, with the deployed heartbeat interval."""
    return DynamoDBLocks(connection.dynamodb, connection.names.table, deployment.heartbeat)
