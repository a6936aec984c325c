"""The import contracts of pyproject.toml hold, and refuse a violation of each of them."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
OPTIONS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]
CONTRACTS = [contract["name"] for contract in OPTIONS["contracts"]]
PLANTED = {
    "nothing imports upward": (
        "src/receipt_index/planted_upward.py",
        "import compactor.cycle.plan",
    ),
    "receipt_sync knows no outside system": ("src/receipt_sync/planted_aws.py", "import botocore"),
    "receipt_index is what other programs install": ("src/receipt_index/planted.py", "import rich"),
    "the examples need no extra": ("examples/planted.py", "import typer"),
    "the plain pipeline needs boto3 and NumPy only": ("examples/model.py", "import pydantic"),
    "logic knows no outside system": (
        "src/compactor/cycle/planted.py",
        "from compactor.wiring import build_worker",  # which imports boto3
    ),
    "logic of the command line knows no outside system": (
        "src/receipt_ops/verification/planted.py",
        "from receipt_ops.connection import Connection",  # which imports boto3
    ),
    "commands import no other command": (
        "src/receipt_ops/commands/observation/planted.py",
        "from receipt_ops.commands.recovery import lock",
    ),
}
"""By contract, a file and the line in it that violates the contract. A new file is made."""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project's Python files."""
    folder = tmp_path_factory.mktemp("imports")
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for package in OPTIONS["root_packages"]:
        source = PROJECT / "src" / package
        source = source if source.exists() else PROJECT / package
        for path in source.rglob("*.py"):
            target = folder / path.relative_to(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    return folder


def verdicts(folder: Path) -> tuple[dict[str, str], str]:
    """Return KEPT or BROKEN for each contract, and the whole output."""
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    words = [line.rpartition(" ") for line in done.stdout.splitlines()]
    found = {name: verdict for name, _, verdict in words if verdict in {"KEPT", "BROKEN"}}
    assert done.returncode == (1 if "BROKEN" in found.values() else 0), done.stderr
    return found, done.stdout


def test_every_contract_is_kept_and_refuses_what_is_planted(copy: Path) -> None:
    found, output = verdicts(copy)
    assert found == dict.fromkeys(CONTRACTS, "KEPT"), output
    for path, content in PLANTED.values():
        with (copy / path).open("a") as file:
            file.write(f"\n{content}\n")
    found, output = verdicts(copy)
    assert found == dict.fromkeys(CONTRACTS, "BROKEN"), output
    for path, _ in PLANTED.values():
        assert path.removeprefix("src/").removesuffix(".py").replace("/", ".") in output


def test_a_violation_is_planted_for_each_contract() -> None:
    assert list(PLANTED) == CONTRACTS
