"""The plan of a repair: counts of its messages, and the ids that it cannot repair."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from receipt_ops.repair.ledger import Ledger
from receipt_ops.repair.remedies import Remedy
from receipt_ops.terminal.streamed import Streamed

_IN_A_SUMMARY: Final = 1_000


class Summary(NamedTuple):
    """Holds the figures of a plan after its ledger is closed."""

    steps: int
    is_left: bool
    content: dict[str, Any]
    """The plan as JSON. Long lists have their first thousand entries only."""


class Plan:
    """A view of the ledger. It shows every note that the ledger holds at the time of the call."""

    def __init__(self, ledger: Ledger, resent: int, unreadable: list[str]) -> None:
        self._ledger = ledger
        self.resent, self.unreadable = resent, unreadable

    @property
    def recompute(self) -> int:
        """Return the number of records to recompute."""
        return self._ledger.count(Remedy.RECOMPUTE)

    @property
    def remove(self) -> int:
        """Return the number of records to remove."""
        return self._ledger.count(Remedy.REMOVE)

    @property
    def deltas(self) -> int:
        """Return the number of deltas to send, the new ones included."""
        return self._ledger.resends + self._ledger.renewals

    @property
    def steps(self) -> int:
        """Return the number of steps for a progress bar."""
        return self.recompute + self.remove + self.deltas

    @property
    def is_left(self) -> bool:
        """Return whether some faults remain that this command cannot repair."""
        return bool(self._ledger.count(Remedy.REEMBED) or self._ledger.count(Remedy.BY_HAND))

    @property
    def reembed_count(self) -> int:
        return self._ledger.count(Remedy.REEMBED)

    @property
    def by_hand_count(self) -> int:
        return self._ledger.count(Remedy.BY_HAND)

    def reembed(self) -> Iterator[str]:
        """Return the ids of records whose vectors are not stored any more."""
        return (fault.id for fault in self._ledger.faults(Remedy.REEMBED))

    def by_hand(self) -> Iterator[tuple[str, str]]:
        """Return the ids of records that no message can repair, each with the reason."""
        return ((fault.id, fault.reason) for fault in self._ledger.faults(Remedy.BY_HAND))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as `repair --json` prints it. The long lists are streamed."""
        return self._json(None)

    def summary(self) -> Summary:
        """Return the figures that a caller can print after the ledger is closed."""
        return Summary(self.steps, self.is_left, self._json(_IN_A_SUMMARY))

    def _json(self, most: int | None) -> dict[str, Any]:
        by_hand = ({"id": one, "reason": why} for one, why in self.by_hand())
        lists = {"reembed": self.reembed(), "by_hand": by_hand}
        streamed = {name: Streamed(islice(items, most)) for name, items in lists.items()}
        return {
            "recompute": self.recompute,
            "remove": self.remove,
            "resend": self.resent,
            "deltas": self.deltas,
            **(streamed if most is None else {n: list(items) for n, items in streamed.items()}),
            "unreadable_deltas": self.unreadable,
        }
