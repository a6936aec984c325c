"""Planted bugs of the Chroma server target."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from receipt_index.server.target import ServerTarget
from receipt_index.server.version import ServerVersion


def server_written_to_without_a_claim() -> AbstractContextManager[Any]:
    """Write to the server without a claim."""
    return patch.object(ServerTarget, "mark_dirty", lambda _: None)


def claims_of_others_ignored() -> AbstractContextManager[Any]:
    """Acknowledge although another worker may still write."""
    return patch.object(ServerVersion, "claims_of_others", lambda *_: ())


def unanswered_write_forgotten() -> AbstractContextManager[Any]:
    """Treat an own claim as settled although the server may still carry out a write."""
    return patch.object(ServerTarget, "_next_cycle", lambda self: self._writer)
