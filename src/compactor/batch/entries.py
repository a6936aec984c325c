"""Queue messages, the work that each asks for, and how much of it is settled (I2)."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from compactor.batch.work import Work
from compactor.cycle.closure import touched_collections
from receipt_sync.errors import PermanentError
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Change, Delta, Poison, read_message


@dataclass(frozen=True)
class QueueMessage:
    """A message as it was received."""

    message_id: str
    body: str
    receipt_handle: str = ""
    receives: int = 1
    """How often the queue has delivered the message, this time included."""


@dataclass
class Entry:
    """A message, the work that it asks for, and the result so far."""

    message: QueueMessage
    changes: tuple[Change, ...] = ()
    delta: Delta | None = None
    poison: list[Poison] = field(default_factory=list)
    receipts: set[EntityKey] = field(default_factory=set)
    """The metadata keys of the receipts that the message's delta is about."""
    is_hopeless: bool = False
    """Whether the delta can never be applied. Then none of its vectors is left to do."""
    failure: str | None = None
    """The reason why the message returns to the queue; None if it does not."""
    retry_at: datetime | None = None
    """The time before which another try is useless; None if it is not known."""
    is_late: bool = False
    """Whether the message returns because no time was left for it."""
    _by_collection: dict[Collection, list[Change]] | None = field(default=None, repr=False)
    """The changes that touch each collection, as soon as somebody has asked for them."""

    def concerns(self, collection: Collection) -> bool:
        """Return whether anything of the message is still to be done in a collection."""
        if self.failure is not None:
            return False
        if self.delta is not None:
            return self.delta.collection is collection
        return bool(self.changes_of(collection))

    def changes_of(self, collection: Collection) -> list[Change]:
        """Return the changes that touch a collection. `changes` may not change any more."""
        if self._by_collection is None:
            self._by_collection = {one: [] for one in Collection}
            for change in self.changes:
                for touched in touched_collections(change):
                    self._by_collection[touched].append(change)
        return self._by_collection[collection]


def read_entry(message: QueueMessage) -> Entry:
    """Return the content of a message. What breaks the contract is poison."""
    entry = Entry(message)
    try:
        content = read_message(message.body)
    except PermanentError as error:
        entry.poison.append(Poison(message.body, str(error)))
        return entry
    entry.changes, entry.delta = content.changes, content.delta
    entry.poison += content.poison
    return entry


class Outstanding:
    """The units of some messages that no cycle of a collection has settled yet.

    A unit is settled when a cycle with it was published, or when it is set aside. A message with a
    unit that is not settled returns to the queue.
    """

    def __init__(self, collection: Collection, entries: Iterable[Entry]) -> None:
        self._collection = collection
        self._owners: dict[int, Entry] = {}
        """The message of each change. The key is the change's identity, because two messages may
        hold equal changes.
        """
        self._left: set[int] = set()
        self._rows: dict[str, int] = {}
        for entry in entries:
            self._add(entry)

    def _add(self, entry: Entry) -> None:
        for change in entry.changes_of(self._collection):
            self._owners[id(change)] = entry
            self._left.add(id(change))
        if entry.delta is not None:
            delta_id = entry.delta.delta_id
            self._rows[delta_id] = self._rows.get(delta_id, 0) + entry.delta.vector_count

    def owner(self, change: Change) -> Entry:
        """Return the message that holds a change."""
        return self._owners[id(change)]

    def settle(self, work: Work, rest: Work) -> None:
        """Record that a work is published or set aside, except for `rest`."""
        self._left -= {id(c) for c in work.changes}
        self._left |= {id(c) for c in rest.changes}
        for batch in work.vectors:
            self._rows[batch.delta_id] -= len(batch.ids)

    def is_settled(self, entry: Entry) -> bool:
        """Return whether nothing of a message is left to do in the collection."""
        if entry.delta is not None:
            return entry.is_hopeless or self._rows[entry.delta.delta_id] <= 0
        return not any(id(change) in self._left for change in entry.changes)
