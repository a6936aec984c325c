"""A mutant: the product with one small change."""

import ast
import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from local.state import PROJECT

PACKAGES: Final = (
    "src/receipt_sync",
    "src/stream_processor",
    "src/compactor",
    "src/receipt_index/snapshot",
)
"""The code that is mutated."""
_TOOLS_PYTHON: Final = PROJECT / ".venv" / "lint" / "bin" / "python"


@dataclass(frozen=True)
class Mutant:
    """One change of one file. `before` and `after` are the changed lines in one line each."""

    path: str
    definition: str
    operator: str
    first_line: int
    last_line: int
    before: str
    after: str
    code: str
    runs_at_import: bool = False
    constant: str = ""
    """The name that an assignment of a module or class defines."""

    @property
    def where(self) -> str:
        return f"{self.path}:{self.first_line}"


def sample(paths: Sequence[str], count: int, seed: int) -> tuple[list[Mutant], int]:
    """Return a sample of the mutants of some files, and the number of all places for a change."""
    done = subprocess.run(
        [
            str(_TOOLS_PYTHON), "-m", "tests.reliability.mutation.generate",
            "--count", str(count), "--seed", str(seed), *paths,
        ],
        cwd=PROJECT, stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    return [_mutant(each) for each in found["mutants"]], found["population"]


def _mutant(found: dict[str, Any]) -> Mutant:
    source = (PROJECT / found["path"]).read_text()
    statement = _imported(ast.parse(source), found["first_line"])
    return Mutant(
        **{name: found[name] for name in Mutant.__dataclass_fields__ if name in found},
        runs_at_import=statement is not None,
        constant=_name(statement),
    )


def _imported(tree: ast.Module, line: int) -> ast.stmt | None:
    """Return the statement of a module or class that holds a line and runs at the import."""
    for statement in _statements(tree.body):
        if _first_line(statement) <= line <= _last_line(statement):
            return statement
    return None


def _first_line(statement: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(each.lineno for each in decorators)])


def _last_line(statement: ast.stmt) -> int:
    """Return the last line that runs at the import: of a function or class, only its head does."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return max(statement.lineno, statement.body[0].lineno - 1)
    return statement.end_lineno or statement.lineno


def _statements(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """Return the statements of a module and of its classes."""
    found: list[ast.stmt] = []
    for statement in body:
        inner = _statements(statement.body) if isinstance(statement, ast.ClassDef) else []
        found += [*inner, statement]
    return found


def _name(statement: ast.stmt | None) -> str:
    if isinstance(statement, ast.AnnAssign):
        target: ast.expr = statement.target
    elif isinstance(statement, ast.Assign):
        target = statement.targets[0]
    else:
        return statement.name if isinstance(statement, ast.FunctionDef | ast.ClassDef) else ""
    return target.id if isinstance(target, ast.Name) else ""
