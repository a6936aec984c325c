"""The code in a function's package imports only what the package or Lambda's runtime has."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from deployment_package.building import PACKAGES, PROJECT, copy_own_code

RUNTIME = {"boto3", "botocore"}
"""Distributions that the code imports and Lambda's runtime has."""
LATER = {"compression"}
"""Modules that a later Python's standard library has. The code imports them behind a check."""


def imported(node: ast.AST) -> Iterator[str]:
    """Yield the top-level names of imports, also in functions, but not for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        if isinstance(child, ast.Import):
            yield from (alias.name.split(".")[0] for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module.split(".")[0]
        yield from imported(child)


def missing_imports(folder: Path, function: str) -> dict[str, str]:
    """Return each name that a module below `folder` imports in vain, and one such module."""
    lines = (PROJECT / "src" / function / "requirements.txt").read_text().splitlines()
    available = {line for line in lines if not line.startswith("#")} | RUNTIME
    distributions = packages_distributions()
    known = {*sys.stdlib_module_names, *LATER, *PACKAGES[function]}
    missing: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for name in {*imported(ast.parse(path.read_text()))} - known:
            providers = {re.sub(r"[-_.]+", "-", d).lower() for d in distributions.get(name, ())}
            if not providers & available:
                missing[name] = str(path.relative_to(folder))
    return missing


@pytest.mark.parametrize("function", PACKAGES)
def test_a_package_has_what_its_code_imports(function: str, tmp_path: Path) -> None:
    copy_own_code(function, tmp_path)
    assert missing_imports(tmp_path, function) == {}


def test_an_import_that_the_package_lacks_is_found(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text(
        "from typing import TYPE_CHECKING\n"
        "import numpy, ulid\n"
        "if TYPE_CHECKING:\n    import moto\n"
        "def late():\n    from receipt_ops import connection\n"
    )
    assert missing_imports(tmp_path, "compactor") == {
        "ulid": "module.py",
        "receipt_ops": "module.py",
    }
