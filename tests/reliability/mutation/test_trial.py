"""The tests in a copy decide about a mutant, and the copy stays as it was."""

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from local.state import PROJECT
from tests.reliability.mutation import trial
from tests.reliability.mutation.reach import Reach
from tests.reliability.mutation.toy import LINE
from tests.reliability.mutation.trial import (
    Outcome,
    TrialFailedError,
    Tried,
    check_copy,
    tried,
)

CODE = "def half(number):\n    return number // 2\n"
TESTS = """
from product import half

def test_even():
    assert half(4) == 2

def test_odd():
    assert half(5) == 2
"""
EVEN, ODD = (f"tests/test_product.py::test_{name}" for name in ("even", "odd"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    plugin = "tests/reliability/mutation/plugin.py"
    (folder / plugin).parent.mkdir(parents=True)
    shutil.copy(PROJECT / plugin, folder / plugin)
    (folder / "src").mkdir()
    (folder / "src/product.py").write_text(CODE)
    (folder / "tests/test_product.py").write_text(TESTS)
    return folder


def judged(copy: Path, code: str, *tests: str) -> Tried:
    mutant = replace(LINE, path="src/product.py", first_line=2, last_line=2, code=code)
    reach = Reach({mutant.path: {2: frozenset(tests)}}, dict.fromkeys((EVEN, ODD), 0.0))
    found = tried(mutant, reach, copy)
    assert (copy / "src/product.py").read_text() == CODE
    return found


def test_a_mutant_is_killed_by_a_test_that_fails_and_the_test_is_named(copy: Path) -> None:
    found = judged(copy, CODE.replace("//", "/"), EVEN, ODD)
    assert (found.outcome, found.note) == (Outcome.KILLED, ODD)


def test_a_mutant_survives_if_the_tests_that_reach_it_pass(copy: Path) -> None:
    found = judged(copy, CODE.replace("//", "/"), EVEN)
    assert (found.outcome, found.tests) == (Outcome.SURVIVED, 1)


def test_a_mutant_that_cannot_be_imported_is_killed(copy: Path) -> None:
    assert judged(copy, "raise ValueError", EVEN).outcome == Outcome.KILLED


def test_a_mutant_that_does_not_end_has_timed_out(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 2)
    found = judged(copy, "def half(number):\n    while True: pass\n", EVEN)
    assert (found.outcome, found.note) == (Outcome.TIMED_OUT, EVEN)


def test_a_mutant_that_does_not_import_in_time_has_timed_out(
    copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "PATIENCE", 2)
    assert judged(copy, "while True: pass\n", EVEN).outcome == Outcome.TIMED_OUT


def test_a_mutant_that_no_test_reaches_is_not_run(copy: Path) -> None:
    assert judged(copy, CODE).outcome == Outcome.NOT_REACHED


@pytest.mark.parametrize("fails", [False, True])
def test_a_copy_whose_tests_fail_without_a_mutant_is_refused(copy: Path, fails: bool) -> None:
    if fails:
        (copy / "src/product.py").write_text(CODE.replace("//", "/"))
    mutant = replace(
        LINE, path="src/product.py", first_line=2, last_line=2, code="raise ValueError"
    )
    reach = Reach({mutant.path: {2: frozenset([ODD])}}, {ODD: 0.0})
    unreached = replace(mutant, path="src/other.py")
    expected = pytest.raises(TrialFailedError, match=ODD) if fails else nullcontext()
    with expected:
        check_copy([unreached, mutant], reach, copy)


def test_a_pytest_that_fails_itself_says_nothing_about_a_mutant(copy: Path) -> None:
    (copy / "tests/conftest.py").write_text("def pytest_unknown_hook(): pass\n")
    with pytest.raises(TrialFailedError, match="unknown_hook"):
        judged(copy, CODE, EVEN)
