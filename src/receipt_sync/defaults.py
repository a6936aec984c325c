"""Defaults of settings that light programs need, without the settings' Pydantic models.

Pydantic takes 0.15 s of CPU time to import. That is too long for the start of a command line.
"""

from typing import Final

LEASE_SECONDS: Final = 60
"""The time for which a lease holds without a heartbeat."""
HEARTBEAT_SECONDS: Final = 15
"""The time between two heartbeats of a lease."""
RETENTION_SECONDS: Final = 86_400
"""The time for which the compactor keeps the objects that no version needs any more."""
