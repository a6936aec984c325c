"""The one place where a command reads the process's environment and working directory."""

import os
from pathlib import Path
from typing import Final

from operations.connection import Connection, connect

LOCAL_STATE: Final = Path(".local/stack.json")
"""Where the running local AWS notes what it is called, below the project's folder."""


def connection_of_process() -> Connection:
    """The AWS that the environment names, or else the local one. Raises SettingsError."""
    return connect(os.environ, Path.cwd() / LOCAL_STATE)
