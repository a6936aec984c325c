"""Writes many changes a second from one process, with 25 whole items in a request."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from receipt_ops.loading.items import Entity
from receipt_ops.loading.table_writer import TableWriter
from receipt_ops.pacing import Pacing, steadily
from receipt_ops.probes.editing import Edit
from receipt_ops.verification.settling import Backlog
from receipt_sync.clock import Clock, SystemClock
from receipt_sync.keys import EntityKey

_TICK: Final = 0.2
"""Seconds in which no item is written twice."""

OnProgress = Callable[[int, Backlog], None]


@dataclass
class Written:
    """The number of changes, and the largest number of waiting messages."""

    changes: int = 0
    seconds: float = 0.0
    most_waiting: int = 0

    @property
    def rate(self) -> float:
        return self.changes / self.seconds if self.seconds else 0.0


@dataclass
class Writing:
    """Applies edits to known items, and writes the changed items. No edit deletes."""

    writer: TableWriter
    backlog: Callable[[], Backlog]
    items: dict[EntityKey, Entity]
    clock: Clock = field(default_factory=SystemClock)
    written: Written = field(default_factory=Written)

    def run(
        self, edits: Iterator[Edit], rate: float, seconds: float, on_progress: OnProgress
    ) -> Written:
        """Write `rate` edits a second. The next tick makes up for a slow one."""
        begun = self.clock.monotonic()
        pacing = Pacing(steadily(rate), begun)
        while (passed := self.clock.monotonic() - begun) < seconds:
            self._write(edits, pacing.take(len(self.items) // 2, begun + passed))
            left = self.backlog()
            self.written.most_waiting = max(
                self.written.most_waiting, left.waiting + left.in_flight
            )
            on_progress(self.written.changes, left)
            self.clock.sleep(max(0.0, begun + passed + _TICK - self.clock.monotonic()))
        self.written.seconds = self.clock.monotonic() - begun
        return self.written

    def _write(self, edits: Iterator[Edit], count: int) -> None:
        changed: dict[EntityKey, Entity] = {}
        while len(changed) < count:
            edit = next(edits)
            if edit.fields is not None and edit.key not in changed:
                known = self.items[edit.key].fields
                changed[edit.key] = Entity(edit.key, {**known, **edit.fields})
        self.items |= changed
        self.writer.put(list(changed.values()))
        self.written.changes += len(changed)
