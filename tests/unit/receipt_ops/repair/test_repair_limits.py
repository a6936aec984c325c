"""The limits on a repair's deletions."""

import pytest

from receipt_ops.repair.guard import DeleteLimit, Guard, MassDeleteError
from receipt_ops.repair.remedies import Remedy
from tests.support.fakes.system import line, word
from tests.unit.receipt_ops.repair.repairs import (
    COMPACTORS,
    LINES,
    OWN,
    WORDS,
    Records,
    Setup,
    fault,
)


@pytest.mark.parametrize(("deletes", "records", "refused"), [(11, 100, True), (10, 100, False)])
def test_too_many_deletions_are_refused(deletes: int, records: int, refused: bool) -> None:
    setup = Setup(lines=Records(records))
    faults = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(deletes)]
    if not refused:
        assert setup.plan(*faults).remove == deletes
        return
    with pytest.raises(MassDeleteError, match="sent nothing"):
        setup.plan(*faults)


def test_more_deletions_than_the_compactor_takes_are_refused_whatever_the_operator_says() -> None:
    """Else the command says "removed", and the compactor's guard refuses every cycle of it."""
    anything = Guard(DeleteLimit(1, 0), COMPACTORS)
    anything.check(LINES, 20, 100)
    with pytest.raises(MassDeleteError, match="MAX_DELETE_SHARE=1 on the compactor"):
        anything.check(LINES, 21, 100)


def test_deletions_beyond_a_limit_are_named_by_collection_for_the_confirmation() -> None:
    setup = Setup(words=Records(1_000))
    many = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(8)]
    many += [fault(Remedy.REMOVE, word(n).chroma_id, WORDS) for n in range(8)]
    setup.plan(*many)
    assert setup.repair.beyond(DeleteLimit(0.05, 2)) == ["8 of 100 records of receipt_lines"]
    assert setup.repair.beyond(DeleteLimit(0.05, 8)) == []


def test_each_collection_has_its_own_share_and_a_floor_that_may_always_go() -> None:
    Guard(OWN, COMPACTORS).check(LINES, 2, 3)
    with pytest.raises(MassDeleteError):
        Guard(OWN, COMPACTORS).check(LINES, 3, 3)
    many = [fault(Remedy.REMOVE, line(n).chroma_id) for n in range(8)]
    many += [fault(Remedy.REMOVE, word(n).chroma_id, WORDS) for n in range(8)]
    assert Setup().plan(*many).remove == 16
