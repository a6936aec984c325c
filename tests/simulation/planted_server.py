"""Bugs of the target that is a Chroma server, to be put into production for a while."""

from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from compactor.server.target import ServerTarget
from compactor.server.version import ServerVersion


def server_written_to_without_a_claim() -> AbstractContextManager[Any]:
    """A worker writes to the server and says nothing of it before."""
    return patch.object(ServerTarget, "mark_dirty", lambda _: None)


def claims_of_others_ignored() -> AbstractContextManager[Any]:
    """A worker acknowledges although another one may still write."""
    return patch.object(ServerVersion, "claims_of_others", lambda *_: ())


def unanswered_write_forgotten() -> AbstractContextManager[Any]:
    """A worker takes its own claim for settled though the server may yet carry out a write."""
    return patch.object(ServerTarget, "_next_cycle", lambda self: self._writer)
