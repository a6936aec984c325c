"""Derived files of a working copy: files that are computed from its records."""

from typing import Protocol, runtime_checkable

from receipt_index.records import Index
from receipt_sync.deadline import Deadline


@runtime_checkable
class Deriving(Protocol):
    """An index that has derived files. `ExactIndex` is one."""

    def derive(self, deadline: Deadline | None, *, whole: bool) -> None: ...


def derive(index: Index | None, deadline: Deadline | None, *, whole: bool) -> None:
    """Make the derived files that are missing, before the copy is published.

    `whole` says that a new base is published, which costs as much as the whole snapshot anyway.
    """
    if isinstance(index, Deriving):
        index.derive(deadline, whole=whole)
