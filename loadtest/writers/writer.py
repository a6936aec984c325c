"""Makes the writes of users, and reports what each action must make visible."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import Protocol

from loadtest.kinds import Kind
from loadtest.watcher.expectations import Expectation, Wanted
from loadtest.writers.actions import Actions, Write
from loadtest.writers.effects import apply, whole
from loadtest.writers.irrelevant_writes import irrelevant
from loadtest.writers.ledger import Held, Ledger
from loadtest.writers.writes import Writes
from receipt_ops.loading.receipts import Receipt
from receipt_sync.clock import Clock


class Listener(Protocol):
    """Receives each write and each expectation of a ReceiptWriter."""

    def wrote(self, kind: Kind, changes: int, seconds: float, error: Exception | None) -> None:
        """Receive one write: the changes that it made, its seconds, and its error if it failed."""
        ...

    def expect(self, expectation: Expectation) -> None:
        """Receive what must follow an action whose writes have all succeeded."""
        ...


@dataclass(frozen=True)
class _Written:
    """The time at which a write was sent (seconds of the epoch), and its number of changes."""

    at: float
    changes: int


class ReceiptWriter:
    """Writes to the receipts of a ledger.

    `arrivals` yields the receipts that users add, without end. `numbers` yields rising numbers,
    each once in a run.
    """

    def __init__(
        self,
        ledger: Ledger,
        actions: Actions,
        writes: Writes,
        arrivals: Iterator[Receipt],
        numbers: Iterator[int],
        clock: Clock,
        listener: Listener,
    ) -> None:
        self._ledger, self._actions, self._writes = ledger, actions, writes
        self._arrivals, self._numbers = arrivals, numbers
        self._clock, self._listener = clock, listener

    def perform(self, kind: Kind, randomness: Random) -> int:
        """Perform an action of this kind. Return how many changes of the schedule it uses.

        If no receipt is free, add one instead. A failed write is reported to the listener, uses
        one change, and excludes its receipt from the rest of the run.
        """
        if kind is Kind.RECEIPT:
            return self._add()
        with self._borrowed(kind, randomness) as held:
            if held is None:
                return self._add()
            number = next(self._numbers)
            if kind is Kind.IRRELEVANT:
                self._write(kind, irrelevant(held, number, randomness))
                return 0
            action = self._actions.plan(kind, held, number, randomness)
            written = self._write_all(kind, action.writes)
            if written is not None:
                self._expect(number, kind, written, apply(action.edit, held))
            held.usable = written is not None and bool(held.items)
            return written.changes if written else 1

    def _borrowed(self, kind: Kind, randomness: Random) -> AbstractContextManager[Held | None]:
        return self._ledger.hot() if kind is Kind.HOT else self._ledger.any(randomness)

    def _add(self) -> int:
        receipt = next(self._arrivals)
        written = self._write(Kind.RECEIPT, lambda writes: writes.receipt(receipt))
        if written is None:
            return 1
        held = Held.of(receipt)
        self._expect(next(self._numbers), Kind.RECEIPT, written, whole(held))
        self._ledger.add(held)  # after `_expect`, so that no edit comes before the expectation
        return written.changes

    def _write_all(self, kind: Kind, writes: Iterable[Write]) -> _Written | None:
        """Make the writes in order. Return the sum, with the last one's time. None: one failed."""
        changes, written = 0, None
        for write in writes:
            written = self._write(kind, write)
            if written is None:
                return None
            changes += written.changes
        return _Written(written.at, changes) if written else None

    def _write(self, kind: Kind, write: Write) -> _Written | None:
        """Make one write. Return None if it failed."""
        sent_at, begun = self._clock.now().timestamp(), self._clock.monotonic()
        changes, failure = 0, None
        try:
            changes = write(self._writes)
        except Exception as error:  # noqa: BLE001 every error counts as a failed write of the run
            failure = error
        self._listener.wrote(kind, changes, self._clock.monotonic() - begun, failure)
        return None if failure else _Written(sent_at, changes)

    def _expect(
        self, number: int, kind: Kind, written: _Written, wanted: tuple[Wanted, ...]
    ) -> None:
        if wanted:
            self._listener.expect(Expectation(number, kind, written.changes, written.at, wanted))
