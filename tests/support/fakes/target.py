"""Published versions in memory, and the working copies of several workers."""

from dataclasses import dataclass, field

from receipt_index.snapshot.copies.working_copy import Published
from receipt_sync.deadline import Deadline
from receipt_sync.errors import PublishRefusedError
from tests.support.fakes.index import InMemoryIndex


@dataclass
class PublishedState:
    """The last version and its records, which all workers share."""

    version: int = 0
    index: InMemoryIndex = field(default_factory=InMemoryIndex)


class InMemoryTarget:
    """The working copy of one worker. It shares only `state` with the others."""

    def __init__(self, state: PublishedState) -> None:
        self.state = state
        self.dirty = False
        self._version = 0
        self._copy: InMemoryIndex | None = None

    def checkout(self, deadline: Deadline) -> InMemoryIndex:
        """Return the collection. The deadline does not matter: a copy in memory takes no time."""
        if self.dirty:
            self.discard()
        if self._copy is None or self._version != self.state.version:
            self._copy, self._version = self.state.index.copy(), self.state.version
        return self._copy

    def mark_dirty(self) -> None:
        self.dirty = True

    def publish(self, record_count: int | None) -> Published:
        if self._copy is None or self.state.version != self._version:
            raise PublishRefusedError("another version was published")
        self.state.index, self._version = self._copy.copy(), self._version + 1
        self.state.version = self._version
        self.dirty = False
        return Published(self._version, 0)

    def discard(self) -> None:
        self._copy, self.dirty = None, False
