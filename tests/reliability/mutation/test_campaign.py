"""A campaign tries each mutant once, in its own copy, until its time is over."""

from dataclasses import replace
from pathlib import Path
from threading import Lock

from tests.reliability.mutation.campaign import Limits, run
from tests.reliability.mutation.equivalent import Equivalent
from tests.reliability.mutation.mutant import Mutant
from tests.reliability.mutation.toy import LINE
from tests.reliability.mutation.trial import Outcome, Tried

MUTANTS = [replace(LINE, first_line=number) for number in range(8)]
COPIES = [Path("one"), Path("two")]
FOREVER = Limits(COPIES, until=1.0, clock=lambda: 0.0)


def killed(mutant: Mutant, copy: Path) -> Tried:
    return Tried(mutant, Outcome.KILLED)


def test_results_come_in_the_order_of_the_mutants() -> None:
    told: list[Tried] = []
    results = run(MUTANTS, [], killed, FOREVER, told.append)
    assert [each.mutant for each in results] == MUTANTS
    assert sorted(told, key=results.index) == results


def test_a_result_is_told_before_the_next_trial() -> None:
    told: list[Mutant] = []

    def tried(mutant: Mutant, copy: Path) -> Tried:
        assert told == MUTANTS[: mutant.first_line]
        return killed(mutant, copy)

    limits = Limits(COPIES[:1], until=1.0, clock=lambda: 0.0)
    run(MUTANTS, [], tried, limits, lambda result: told.append(result.mutant))
    assert told == MUTANTS


def test_two_mutants_are_never_in_one_copy() -> None:
    busy = {copy: Lock() for copy in COPIES}

    def tried(mutant: Mutant, copy: Path) -> Tried:
        assert busy[copy].acquire(blocking=False)
        busy[copy].release()
        return killed(mutant, copy)

    assert len(run(MUTANTS, [], tried, FOREVER, lambda _: None)) == len(MUTANTS)


def test_a_mutant_that_the_list_names_is_not_tried() -> None:
    known = Equivalent("src/compactor/*", LINE.before, "It has no effect.")

    def tried(mutant: Mutant, copy: Path) -> Tried:
        raise AssertionError(mutant)

    (result,) = run(MUTANTS[:1], [known], tried, FOREVER, lambda _: None)
    assert (result.outcome, result.note) == (Outcome.EQUIVALENT, "It has no effect.")


def test_no_trial_begins_after_the_time() -> None:
    times = iter([0.0, 0.5, 1.0])
    limits = Limits(COPIES[:1], until=1.0, clock=lambda: next(times, 2.0))
    assert len(run(MUTANTS, [], killed, limits, lambda _: None)) == 2
