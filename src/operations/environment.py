"""The one place where a command reads the process's environment and working directory."""

import os
from pathlib import Path
from typing import Final

from botocore.exceptions import BotoCoreError

from operations.connection import Connection, connect
from operations.errors import ConnectionFailedError
from operations.failures import sentence

LOCAL_STATE: Final = Path(".local/stack.json")
"""Where the running local AWS notes what it is called, below the project's folder."""


def connection_of_process() -> Connection:
    """Return the AWS that the environment names, or else the local one.

    Raises SettingsError, and ConnectionFailedError where botocore can make no client of it, such
    as without a region or for a profile that is not configured.
    """
    try:
        return connect(os.environ, Path.cwd() / LOCAL_STATE)
    except BotoCoreError as error:
        raise ConnectionFailedError(sentence(error)) from error
