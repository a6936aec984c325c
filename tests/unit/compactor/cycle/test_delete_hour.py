"""The guard against mass deletions counts exactly an hour, in the order of the cycles."""

import pytest

from compactor.cycle.delete_guard import DeleteGuard, DeleteLedger
from tests.support.fakes.index import InMemoryIndex


@pytest.mark.parametrize(("later", "refused"), [(3599.9, True), (3600.0, False)])
def test_what_was_lost_is_forgotten_after_an_hour(later: float, refused: bool) -> None:
    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    ledger.note(10, 0, 100.0)
    refusal = ledger.refusal(InMemoryIndex(), 1, 100.0 + later)
    assert (refusal is not None) == refused


def test_a_cycle_that_deletes_nothing_is_never_refused() -> None:
    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    ledger.note(500, 0, 0.0)
    assert ledger.refusal(InMemoryIndex(), 0, 1.0) is None


def test_the_floor_itself_is_allowed() -> None:
    ledger = DeleteLedger(DeleteGuard(share=0.1, floor=10))
    assert ledger.refusal(InMemoryIndex(), 10, 0.0) is None
    assert ledger.refusal(InMemoryIndex(), 11, 0.0) is not None
