"""The log groups of the functions, which are created before a function writes to them.

A function then needs no permission to create one, and its logs have the configured retention.
"""

from contextlib import suppress
from typing import Final

from local.clients import Clients

RETENTION_DAYS: Final = 30


def log_group(function: str) -> str:
    """Return the name of a function's log group."""
    return f"/aws/lambda/{function}"


def ensure_log_group(clients: Clients, name: str) -> None:
    """Create the group if it is absent, and set its retention."""
    with suppress(clients.logs.exceptions.ResourceAlreadyExistsException):
        clients.logs.create_log_group(logGroupName=name)
    clients.logs.put_retention_policy(logGroupName=name, retentionInDays=RETENTION_DAYS)


def delete_log_group(clients: Clients, name: str) -> None:
    """Delete the group with its events, if it exists."""
    with suppress(clients.logs.exceptions.ResourceNotFoundException):
        clients.logs.delete_log_group(logGroupName=name)
