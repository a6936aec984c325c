"""The complete past of the table, and the moments that a published record may show."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.reliability.simulation.checks import model
from tests.reliability.simulation.environment.table import Attributes, Key


class Past:
    """All states of all items.

    A moment is the number of a change, and 0 is before the first change.
    """

    def __init__(self) -> None:
        self.tick = 0
        self.states: dict[Key, list[tuple[int, Attributes | None]]]
        self.states = defaultdict(lambda: [(0, None)])
        self._seen: dict[tuple[str, str], int] = {}
        """The earliest moment that each channel of each record shows."""

    def on_change(self, tick: int, key: Key, item: Attributes | None) -> None:
        self.tick = tick
        self.states[key].append((tick, item))

    def shows(
        self, chroma_id: str, channel: str, held: Any, document: str | None, since: int = 0
    ) -> bool:
        """Return whether `held` was correct at some moment since `since`.

        The moment must not be before one that the channel has already shown. `held` is None if
        there is no record.
        """
        moment = self._moment(chroma_id, channel, held, document, since)
        if moment is not None:
            self._seen[chroma_id, channel] = moment
        return moment is not None

    def forget(self) -> None:
        """Allow records to show earlier moments again from now on."""
        self._seen.clear()

    def was_absent(self, chroma_id: str, since: int) -> bool:
        """Return whether the entity was absent from the table at some moment since `since`."""
        states = self._states(model.entity_of(chroma_id).key)
        return any(item is None and last > since for _, last, item in states)

    def _moment(
        self, chroma_id: str, channel: str, held: Any, document: str | None, since: int
    ) -> int | None:
        """Return the earliest moment at which the channel was correct, or None.

        The moment is not before `since`, and not before a moment that the channel has already
        shown.
        """
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
        """Yield the states of the item, each with the changes that began and ended it."""
        past = self.states[key]
        for number, (tick, item) in enumerate(past):
            after = past[number + 1][0] if number + 1 < len(past) else self.tick + 1
            yield tick, after, item
