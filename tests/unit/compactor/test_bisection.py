import pytest

from compactor.bisection import run_bisecting
from compactor.cycle import CycleReport
from compactor.work import Work
from receipt_sync.errors import IndexFailedError, ProjectionError, TableReadError
from receipt_sync.keys import Collection
from tests.fakes.world import World, line

CHANGES = tuple(World().change(line(number)) for number in range(1, 65))


def cycle(*poison: int):
    def run(work: Work) -> CycleReport:
        if any(change.key.line_id in poison for change in work.changes):
            raise IndexFailedError("Chroma's update failed: InternalError")
        return CycleReport(Collection.LINES, 1, len(work.changes), 0, 0, 0, 0, 0, {})

    return run


@pytest.mark.parametrize("poison", [(), (1,), (64,), (7, 8, 50)])
def test_every_good_unit_is_applied_once_and_every_poison_found(poison: tuple[int, ...]):
    done = run_bisecting(cycle(*poison), Work(changes=CHANGES))
    assert sum(report.updated for report in done.reports) == 64 - len(poison)
    found = [change.key.line_id for work, _ in done.poison for change in work.changes]
    assert sorted(found) == list(poison)


def test_a_producers_whole_bad_stretch_is_set_aside():
    done = run_bisecting(cycle(*range(1, 40)), Work(changes=CHANGES))
    assert sum(report.updated for report in done.reports) == 64 - 39


def test_where_everything_fails_nothing_is_called_poison_and_few_copies_are_wasted():
    tries = []

    def failing(work: Work) -> CycleReport:
        tries.append(work.size)
        raise IndexFailedError("Chroma's update failed: InternalError")

    with pytest.raises(IndexFailedError):
        run_bisecting(failing, Work(changes=CHANGES * 20))
    assert len(tries) <= 31
    with pytest.raises(IndexFailedError):
        run_bisecting(failing, Work(changes=CHANGES[:1]))


def test_other_failures_are_not_bisected():
    def throttled(work: Work) -> CycleReport:
        raise TableReadError("throttled")

    with pytest.raises(TableReadError):
        run_bisecting(throttled, Work(changes=CHANGES))


def refusing(*poison: int, broken: tuple[int, ...] = ()):
    """Refuses the poison for good; fails, as Chroma does, on what is broken."""

    def run(work: Work) -> CycleReport:
        lines = [change.key.line_id for change in work.changes]
        if any(line_id in poison for line_id in lines):
            raise ProjectionError("33 metadata keys, and Chroma Cloud takes 32")
        if any(line_id in broken for line_id in lines):
            raise IndexFailedError("Chroma's update failed: InternalError")
        return CycleReport(Collection.LINES, 1, len(lines), 0, 0, 0, 0, 0, {})

    return run


@pytest.mark.parametrize("size", [1, 2, 64])
def test_what_says_itself_that_it_never_fits_is_set_aside_though_nothing_else_succeeded(size: int):
    done = run_bisecting(refusing(*range(1, 65)), Work(changes=CHANGES[:size]))
    assert len(done.poison) == size
    assert done.reports == []


def test_what_only_failed_is_no_poison_because_something_else_was():
    with pytest.raises(IndexFailedError):
        run_bisecting(refusing(2, broken=(1,)), Work(changes=CHANGES[:2]))
    with pytest.raises(IndexFailedError):
        run_bisecting(refusing(1, broken=(2,)), Work(changes=CHANGES[:2]))
