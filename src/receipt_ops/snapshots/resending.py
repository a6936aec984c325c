"""The resending of deltas that a restored version may lack."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Final, Protocol

from ulid import ULID

from receipt_index.deltas import VectorBatch
from receipt_ops.repair.delta_index import StoredDelta
from receipt_ops.repair.dimension_choice import ChooseDimension
from receipt_ops.repair.outline import Outline
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key

_THREADS: Final = 8
_AT_A_TIME: Final = 50
_NAMED: Final = 100
_RANDOM_BITS: Final = 80


class DeltaObjects(Protocol):
    """A source of delta objects."""

    def listed(self, collection: Collection, after: str) -> Iterator[StoredDelta]: ...

    def outline(self, collection: Collection, delta: StoredDelta) -> Outline: ...

    def read(self, collection: Collection, delta_id: str) -> VectorBatch: ...


class DeltaSink(Protocol):
    """A queue that takes delta messages."""

    def send(self, deltas: Sequence[Delta]) -> None: ...


@dataclass
class Resent:
    """Counts the deltas since a moment that were sent again, and their vectors."""

    since: datetime
    deltas: int = 0
    vectors: int = 0
    refused: int = 0
    """The number of deltas that the compactor would refuse: unreadable, or of another dimension."""
    refused_keys: list[str] = field(default_factory=list)
    """The keys of the first hundred refused deltas."""

    def to_json(self) -> dict[str, Any]:
        return {
            "since": self.since.isoformat(),
            "deltas": self.deltas,
            "vectors": self.vectors,
            "refused": self.refused,
            "refused_keys": self.refused_keys,
        }


class Resending:
    """Sends deltas of one collection again. `dimension` is None if no dimension is known."""

    def __init__(
        self, objects: DeltaObjects, sink: DeltaSink, collection: Collection, dimension: int | None
    ) -> None:
        self._objects, self._sink = objects, sink
        self._collection, self._dimension = collection, dimension

    def choose_dimension(self, since: datetime, choose: ChooseDimension) -> None:
        """Let the deltas since a moment decide the dimension, if it is not known.

        The first delta that the compactor applies would decide it otherwise, and the compactor may
        have refused just this delta before. Raises the errors of `choose`.
        """
        if self._dimension is not None:
            return
        vectors: Counter[int] = Counter()
        for some in self._portions(since):
            with ThreadPoolExecutor(_THREADS) as pool:
                for outline in pool.map(self._outline, some):
                    if outline is not None:
                        vectors[outline.dimension] += len(outline.ids)
        if vectors:
            self._dimension = choose(self._collection, vectors)

    def run(
        self, since: datetime, *, dry_run: bool, advance: Callable[[int], None] = lambda _: None
    ) -> Resent:
        """Send every delta that was created at `since` or later. A dry run only counts them.

        The compactor skips a delta that it has applied already. Raises the errors of the queue and
        the bucket.
        """
        resent = Resent(since)
        for some in self._portions(since):
            with ThreadPoolExecutor(_THREADS) as pool:
                found = [delta for delta in pool.map(self._delta, some) if delta is not None]
            if found and not dry_run:
                self._sink.send(found)
            _count(resent, found)
            self._refuse(resent, some, found)
            advance(len(some))
        return resent

    def _portions(self, since: datetime) -> Iterator[list[StoredDelta]]:
        """Yield the deltas since a moment, some at a time."""
        listed = iter(self._objects.listed(self._collection, before(since)))
        while some := list(islice(listed, _AT_A_TIME)):
            yield some

    def _outline(self, stored: StoredDelta) -> Outline | None:
        """Return the outline of a delta; None if the delta is malformed or empty."""
        try:
            outline = self._objects.outline(self._collection, stored)
        except DeltaRefusedError:
            return None
        return outline if outline.ids else None

    def _delta(self, stored: StoredDelta) -> Delta | None:
        """Return the message of a delta; None if the compactor would refuse the delta.

        Its vectors are read, too, because one that is not finite makes the compactor refuse it.
        """
        outline = self._outline(stored)
        if outline is None or self._dimension not in (None, outline.dimension):
            return None
        try:
            self._objects.read(self._collection, stored.id)
        except DeltaRefusedError:
            return None
        return Delta.of(self._collection, stored.id, len(outline.ids))

    def _refuse(self, resent: Resent, some: Sequence[StoredDelta], found: Sequence[Delta]) -> None:
        taken = {delta.delta_id for delta in found}
        refused = [stored.id for stored in some if stored.id not in taken]
        resent.refused += len(refused)
        room = _NAMED - len(resent.refused_keys)
        resent.refused_keys += [delta_key(self._collection, one) for one in refused[:room]]


def _count(resent: Resent, found: Sequence[Delta]) -> None:
    resent.deltas += len(found)
    resent.vectors += sum(delta.vector_count for delta in found)


def before(moment: datetime) -> str:
    """Return the last ULID of the millisecond before a moment."""
    milliseconds = int(moment.timestamp() * 1000)
    return str(ULID.from_int(max(0, (milliseconds << _RANDOM_BITS) - 1)))
