"""Makes the writes of users: borrows a receipt, writes an action, and says what must follow."""

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
from operations.receipts import Receipt
from receipt_sync.clock import Clock


class Listener(Protocol):
    """Who wants to know what was written."""

    def wrote(self, kind: Kind, changes: int, seconds: float, error: Exception | None) -> None:
        """One write, how many changes it made, and how long it took."""
        ...

    def expect(self, expectation: Expectation) -> None:
        """An action whose writes have all succeeded."""
        ...


@dataclass(frozen=True)
class _Written:
    """When a write was sent, and how many changes it made."""

    at: float
    changes: int


class ReceiptWriter:
    """Actions on the receipts of a ledger. `arrivals` are the receipts that users add, without end;
    `numbers` rise, and no run has one twice."""

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
        """Do something of this kind; returns how many changes of the users' schedule it takes up.

        A receipt is added where there is none left to work on.
        A write that fails is told to the listener, takes up one, and its receipt is given up.
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
        self._ledger.add(held)  # only now, so that nobody edits what is not expected yet
        return written.changes

    def _write_all(self, kind: Kind, writes: Iterable[Write]) -> _Written | None:
        """One write after the other; `at` is the last's. None if one failed."""
        changes, written = 0, None
        for write in writes:
            written = self._write(kind, write)
            if written is None:
                return None
            changes += written.changes
        return _Written(written.at, changes) if written else None

    def _write(self, kind: Kind, write: Write) -> _Written | None:
        """Make one write; None if it failed."""
        sent_at, begun = self._clock.now().timestamp(), self._clock.monotonic()
        changes, failure = 0, None
        try:
            changes = write(self._writes)
        except Exception as error:  # noqa: BLE001 whatever it is becomes a failure of the run
            failure = error
        self._listener.wrote(kind, changes, self._clock.monotonic() - begun, failure)
        return None if failure else _Written(sent_at, changes)

    def _expect(
        self, number: int, kind: Kind, written: _Written, wanted: tuple[Wanted, ...]
    ) -> None:
        if wanted:
            self._listener.expect(Expectation(number, kind, written.changes, written.at, wanted))
