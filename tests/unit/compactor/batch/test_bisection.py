import pytest

from compactor.batch.bisection import Bisected, Run, run_bisecting
from compactor.batch.pace import Pace
from compactor.batch.work import Work
from compactor.cycle.cycle import CycleReport
from receipt_sync.errors import (
    DeadlineNearError,
    IndexFailedError,
    ProjectionError,
    TableReadError,
    WriteIgnoredError,
)
from receipt_sync.keys import Collection
from tests.support.fakes.system import InMemorySystem, line

CHANGES = tuple(InMemorySystem().change(line(number)) for number in range(1, 65))


def bisect(run: Run, *slices: Work, seconds: float = 60) -> Bisected:
    return run_bisecting(run, slices, Pace(InMemorySystem().deadline(seconds)))


def cycle(*poison: int) -> Run:
    def run(work: Work) -> CycleReport:
        if any(change.key.line_id in poison for change in work.changes):
            raise IndexFailedError("Chroma's update failed: InternalError")
        return CycleReport(Collection.LINES, 1, len(work.changes), 0, 0, 0, 0, 0, {})

    return run


@pytest.mark.parametrize("poison", [(), (1,), (64,), (7, 8, 50)])
def test_every_good_unit_is_applied_once_and_every_poison_found(poison: tuple[int, ...]) -> None:
    done = bisect(cycle(*poison), Work(changes=CHANGES))
    assert sum(report.updated for report in done.reports) == 64 - len(poison)
    found = [change.key.line_id or 0 for work, _ in done.poison for change in work.changes]
    assert sorted(found) == list(poison)


def test_a_producers_whole_bad_stretch_is_set_aside() -> None:
    done = bisect(cycle(*range(1, 40)), Work(changes=CHANGES))
    assert sum(report.updated for report in done.reports) == 64 - 39


def test_where_everything_fails_nothing_is_called_poison_and_few_copies_are_wasted() -> None:
    tries = []

    def failing(work: Work) -> CycleReport:
        tries.append(work.size)
        raise IndexFailedError("Chroma's update failed: InternalError")

    assert isinstance(bisect(failing, Work(changes=CHANGES * 20)).stopped, IndexFailedError)
    assert len(tries) <= 31
    assert isinstance(bisect(failing, Work(changes=CHANGES[:1])).stopped, IndexFailedError)


def test_other_failures_are_not_bisected() -> None:
    def throttled(work: Work) -> CycleReport:
        raise TableReadError("throttled")

    assert isinstance(bisect(throttled, Work(changes=CHANGES)).stopped, TableReadError)


def refusing(*poison: int, broken: tuple[int, ...] = ()) -> Run:
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
def test_what_says_itself_that_it_never_fits_is_set_aside_though_nothing_else_succeeded(
    size: int,
) -> None:
    done = bisect(refusing(*range(1, 65)), Work(changes=CHANGES[:size]))
    assert len(done.poison) == size
    assert done.reports == []


def test_what_only_failed_is_no_poison_because_something_else_was() -> None:
    for run in (refusing(2, broken=(1,)), refusing(1, broken=(2,))):
        done = bisect(run, Work(changes=CHANGES[:2]))
        assert isinstance(done.stopped, IndexFailedError)
        assert len(done.poison) == 1


class FailsAtTimes:
    """Fails the calls of these numbers, whatever they are asked to do."""

    def __init__(self, *numbers: int) -> None:
        self._numbers, self.calls = numbers, 0

    def __call__(self, work: Work) -> CycleReport:
        self.calls += 1
        if self.calls in self._numbers:
            raise IndexFailedError("Chroma's update failed: InternalError")
        return CycleReport(Collection.LINES, 1, len(work.changes), 0, 0, 0, 0, 0, {})


def test_passing_errors_set_no_good_unit_aside() -> None:
    done = bisect(FailsAtTimes(1, 2), Work(changes=CHANGES[:2]))
    assert (done.poison, done.stopped) == ([], None)
    assert sum(report.updated for report in done.reports) == 2


def test_a_unit_that_fails_alone_three_times_beside_others_is_set_aside() -> None:
    tries = []

    def run(work: Work) -> CycleReport:
        tries.append(work.size)
        return cycle(1)(work)

    done = bisect(run, Work(changes=CHANGES[:2]))
    assert [work.changes[0].key.line_id for work, _ in done.poison] == [1]
    assert tries.count(1) == 4


@pytest.mark.parametrize(("kind", "is_poison"), [("updated", True), ("inserted", False)])
def test_a_write_without_effect_is_judged_by_writes_of_its_kind(kind: str, is_poison: bool) -> None:
    """A proxy that confirms one kind of write, and passes on the others, blames no record."""
    updates = cycle()

    def run(work: Work) -> CycleReport:
        if any(change.key.line_id == 9 for change in work.changes):
            raise WriteIgnoredError("it is not there", kind)
        return updates(work)

    done = bisect(run, Work(changes=CHANGES))
    assert sum(report.updated for report in done.reports) == 63
    assert len(done.poison) == is_poison
    assert isinstance(done.stopped, WriteIgnoredError) is not is_poison


def test_a_bisection_begins_nothing_for_which_the_deadline_leaves_no_time() -> None:
    system = InMemorySystem()

    def slow(work: Work) -> CycleReport:
        system.clock.advance(8)
        return cycle(*range(1, 65, 2))(work)

    deadline = system.deadline(60)
    done = run_bisecting(slow, [Work(changes=CHANGES)], Pace(deadline))
    assert 0 <= deadline.remaining() < 8
    assert isinstance(done.stopped, DeadlineNearError)


def test_slices_that_were_published_stay_settled_when_a_later_one_fails() -> None:
    settled: list[Work] = []

    def run(work: Work) -> CycleReport:
        if work.changes[0].key.line_id == 3:
            raise TableReadError("throttled")
        return cycle()(work)

    slices = [Work(changes=(change,)) for change in CHANGES[:5]]
    pace = Pace(InMemorySystem().deadline())
    done = run_bisecting(run, slices, pace, lambda work, _: settled.append(work))
    assert settled == slices[:2]
    assert isinstance(done.stopped, TableReadError)
