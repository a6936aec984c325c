"""The table's whole past, and which moments of it the published records may show."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.simulation import model
from tests.simulation.table import Attributes, Key


class Past:
    """Every state of every item. A moment is the number of a change; 0 is before the first."""

    def __init__(self) -> None:
        self.tick = 0
        self.states: dict[Key, list[tuple[int, Attributes | None]]]
        self.states = defaultdict(lambda: [(0, None)])
        self._seen: dict[tuple[str, str], int] = {}
        """Per record and channel: the earliest moment whose truth it shows."""

    def on_change(self, tick: int, key: Key, item: Attributes | None) -> None:
        self.tick = tick
        self.states[key].append((tick, item))

    def shows(
        self, chroma_id: str, channel: str, held: Any, document: str | None, since: int = 0
    ) -> bool:
        """Whether what a record shows was true at some moment since the given one, and not before
        one that it has shown already. `held` None: there is no record."""
        moment = self._moment(chroma_id, channel, held, document, since)
        if moment is not None:
            self._seen[chroma_id, channel] = moment
        return moment is not None

    def forget(self) -> None:
        """From now on records may show again what they showed long ago."""
        self._seen.clear()

    def was_absent(self, chroma_id: str, since: int) -> bool:
        """Whether the entity was not in the table at some moment since."""
        states = self._states(model.entity_of(chroma_id).key)
        return any(item is None and last > since for _, last, item in states)

    def _moment(
        self, chroma_id: str, channel: str, held: Any, document: str | None, since: int
    ) -> int | None:
        """The earliest moment, not before those seen already, at which the channel was right."""
        entity = model.entity_of(chroma_id)
        start = max(since, self._seen.get((chroma_id, channel), 0))
        for first, last, item in self._states(model.channels(entity)[channel]):
            if last <= start:
                continue
            wanted = model.expected(channel, entity, item, document)
            right = (
                wanted is None if held is None else wanted is not None and model.equal(held, wanted)
            )
            if right:
                return max(first, start)
        return None

    def _states(self, key: Key) -> Iterator[tuple[int, int, Attributes | None]]:
        """The item's states, with the change that began each and the one that ended it."""
        past = self.states[key]
        for number, (tick, item) in enumerate(past):
            after = past[number + 1][0] if number + 1 < len(past) else self.tick + 1
            yield tick, after, item
