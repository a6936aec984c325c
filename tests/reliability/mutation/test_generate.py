"""The tool makes the mutants that its operators promise, and no other."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.state import PROJECT
from tests.reliability.mutation.mutant import sample

TOOLS = PROJECT / ".venv/lint/bin/python"
SOURCE = '''"""A file."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    LEFT_OUT = 1


class Port(Protocol):
    SIZE = 2


class Thing:
    def call(self, a, b, c):
        try:
            self.tell(a)
        except json.JSONDecodeError as error:
            raise
        if a and b and c:
            return b or c
'''


def made(file: Path, count: int = 100, seed: int = 1) -> list[dict[str, Any]]:
    assert TOOLS.exists(), "the tools have an environment of their own: `make mutate` installs it"
    command = [TOOLS, "-m", "tests.reliability.mutation.generate", "--count", count, "--seed", seed]
    done = subprocess.run(
        [*map(str, command), str(file)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    mutants: list[dict[str, Any]] = json.loads(done.stdout)["mutants"]
    return mutants


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("toy") / "toy.py"
    file.write_text(SOURCE)
    return file


@pytest.fixture(scope="module")
def mutants(toy: Path) -> list[dict[str, Any]]:
    return made(toy)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if a and b and c:", "if b and c:"),
        ("if a and b and c:", "if a and c:"),
        ("if a and b and c:", "if a and b:"),
        ("if a and b and c:", "if not a and b and c:"),
        ("return b or c", "return b"),
        ("return b or c", "return c"),
        ("return b or c", "return b and c"),
        ("self.tell(a)", "pass"),
        ("except json.JSONDecodeError as error:", "except ZeroDivisionError as error:"),
    ],
)
def test_a_change_is_among_the_mutants(
    mutants: list[dict[str, Any]], before: str, after: str
) -> None:
    (found,) = [each for each in mutants if (each["before"], each["after"]) == (before, after)]
    assert found["code"] == SOURCE.replace(before, after)
    assert found["definition"] == "Thing.call"
    assert before in SOURCE.splitlines()[found["first_line"] - 1]


def test_code_that_does_not_run_is_not_changed(mutants: list[dict[str, Any]]) -> None:
    assert [each for each in mutants if each["definition"] != "Thing.call"] == []


def test_no_two_mutants_are_the_same_program(mutants: list[dict[str, Any]]) -> None:
    codes = [each["code"] for each in mutants]
    assert len(codes) == len(set(codes))


def test_a_seed_gives_one_sample_and_a_larger_one_contains_it(toy: Path) -> None:
    smaller, larger, other = made(toy, 4), made(toy, 8), made(toy, 4, seed=2)
    assert smaller == larger[:4]
    assert smaller != other


def test_what_runs_at_the_import_is_known_with_its_name() -> None:
    mutants, _ = sample(["src/receipt_sync/deadline.py", "src/receipt_sync/messages.py"], 200, 1)
    at_import = {each.constant for each in mutants if each.runs_at_import}
    assert "SCHEMA" in at_import
    assert "remaining" not in at_import
    assert all(each.runs_at_import for each in mutants if not each.definition)
