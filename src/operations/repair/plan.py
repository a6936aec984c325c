"""What a repair sends, and what it can't: counts, and the ids of which there may be millions."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from operations.repair.ledger import Ledger
from operations.repair.remedies import Remedy
from operations.streamed import Streamed

_IN_A_SUMMARY: Final = 1_000


class Summary(NamedTuple):
    """What is left of a plan once its ledger is gone."""

    steps: int
    is_left: bool
    content: dict[str, Any]
    """As JSON; of long lists the first thousand."""


class Plan:
    """A view of the ledger; it follows what is noted there."""

    def __init__(self, ledger: Ledger, resent: int, unreadable: list[str]) -> None:
        self._ledger = ledger
        self.resent, self.unreadable = resent, unreadable

    @property
    def recompute(self) -> int:
        """How many records are to be computed anew."""
        return self._ledger.count(Remedy.RECOMPUTE)

    @property
    def remove(self) -> int:
        """How many records are to be removed."""
        return self._ledger.count(Remedy.REMOVE)

    @property
    def deltas(self) -> int:
        """How many deltas are to be sent, the new ones among them."""
        return self._ledger.resends + self._ledger.renewals

    @property
    def steps(self) -> int:
        """What a progress bar counts."""
        return self.recompute + self.remove + self.deltas

    @property
    def is_left(self) -> bool:
        """Whether something can't be repaired from here."""
        return bool(self._ledger.count(Remedy.REEMBED) or self._ledger.count(Remedy.BY_HAND))

    @property
    def reembed_count(self) -> int:
        return self._ledger.count(Remedy.REEMBED)

    @property
    def by_hand_count(self) -> int:
        return self._ledger.count(Remedy.BY_HAND)

    def reembed(self) -> Iterator[str]:
        """Return the ids whose vectors are kept nowhere."""
        return (fault.id for fault in self._ledger.faults(Remedy.REEMBED))

    def by_hand(self) -> Iterator[tuple[str, str]]:
        """Return the ids that no message can repair, each with the reason."""
        return ((fault.id, fault.reason) for fault in self._ledger.faults(Remedy.BY_HAND))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as `repair --json` prints it; the long lists are streamed."""
        return self._json(None)

    def summary(self) -> Summary:
        """Return what may be told after the repair is closed."""
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
