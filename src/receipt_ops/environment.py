"""The only place that reads the process's environment and working directory for a command."""

import os
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError

from receipt_ops.connection import Connection, connect
from receipt_ops.errors import ConnectionFailedError
from receipt_ops.terminal.failures import sentence

LOCAL_STATE: Final = Path(".local/stack.json")
"""The state file of the running local AWS, relative to the project's folder. It holds the names."""


def connection_of_process() -> Connection:
    """Return a connection to the AWS that the environment names, or else to the local AWS.

    Raises SettingsError. Raises ConnectionFailedError if botocore cannot create a client, for
    example without a region or with an unknown profile.
    """
    try:
        return connect(os.environ, Path.cwd() / LOCAL_STATE)
    except BotoCoreError as error:
        raise ConnectionFailedError(sentence(error)) from error
