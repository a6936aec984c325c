"""The log groups of the functions, which are there before a function writes to them.

So a function needs no right to create one, and what it logs is kept no longer than was decided.
"""

from contextlib import suppress
from typing import Final

from local.clients import Clients

RETENTION_DAYS: Final = 30


def log_group(function: str) -> str:
    """Name of a function's log group."""
    return f"/aws/lambda/{function}"


def ensure_log_group(clients: Clients, name: str) -> None:
    """Create the group if it is not there, and set how long it keeps events."""
    with suppress(clients.logs.exceptions.ResourceAlreadyExistsException):
        clients.logs.create_log_group(logGroupName=name)
    clients.logs.put_retention_policy(logGroupName=name, retentionInDays=RETENTION_DAYS)


def delete_log_group(clients: Clients, name: str) -> None:
    """Delete the group with its events, if it is there."""
    with suppress(clients.logs.exceptions.ResourceNotFoundException):
        clients.logs.delete_log_group(logGroupName=name)
