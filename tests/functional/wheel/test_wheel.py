"""The packages of `pip install receipt-chroma-sync` without an extra, and the examples on them."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from local.stack import Stack
from local.state import PROJECT
from tests.functional.examples.running import Examples, put_receipt

UV = Path(sys.executable).with_name("uv")
ONLY_WITH_AN_EXTRA = {
    "aws-lambda-powertools",
    "aws-sam-cli",
    "aws-xray-sdk",
    "boto3-stubs",
    "docker",
    "localstack-client",
    "ministack",
    "pytest",
}
"""typer and rich are not here, because chromadb asks for them."""


@dataclass(frozen=True)
class Installed:
    """A virtual environment that has the wheel, and nothing that only an extra brings."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env={"PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )


def uv(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(UV), *arguments, "--quiet"], capture_output=True, text=True, check=False, cwd=PROJECT
    )


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Build and install the wheel, with the versions of the lock."""
    root = tmp_path_factory.mktemp("wheel")
    python = ("--python", sys.executable)
    built = uv("build", "--wheel", "--no-build-isolation", *python, "--out-dir", str(root), ".")
    assert built.returncode == 0, built.stderr
    (wheel,) = root.glob("*.whl")
    made = uv("venv", *python, str(root / "environment"))
    assert made.returncode == 0, made.stderr
    found = Installed(root / "environment")
    install = (
        *("pip", "install", "--python", str(found.python)),
        *("--constraint", "requirements.lock", str(wheel)),
    )
    done = uv(*install, "--offline")  # `make install` has filled uv's cache.
    if done.returncode != 0:
        done = uv(*install)
    assert done.returncode == 0, done.stderr
    return found


def test_only_what_receipt_index_needs_is_installed(installed: Installed) -> None:
    listed = uv("pip", "list", "--python", str(installed.python), "--format", "json")
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert {"receipt-chroma-sync", "chromadb", "boto3", "numpy", "pydantic"} <= names
    assert names & ONLY_WITH_AN_EXTRA == set()


def test_the_package_comes_with_its_types_and_every_public_name(installed: Installed) -> None:
    program = (
        "import receipt_index as r; [getattr(r, name) for name in r.__all__]; print(r.__file__)"
    )
    done = installed.run("python", "-c", program)
    assert done.returncode == 0, done.stderr
    package = Path(done.stdout.strip()).parent
    assert package.is_relative_to(installed.folder)
    assert (package / "py.typed").exists()


def test_the_command_line_says_which_extra_it_needs(installed: Installed) -> None:
    done = installed.run("receipt-sync", "--help")
    assert done.returncode == 2
    assert done.stderr.strip() == (
        "receipt-sync needs more packages: pip install 'receipt-chroma-sync[cli]'"
    )


def test_the_examples_run_without_an_extra(
    installed: Installed, deployed: Stack, tmp_path: Path
) -> None:
    shutil.copytree(PROJECT / "examples", tmp_path / "examples")
    examples = Examples(installed.python, tmp_path, deployed)
    image, line = f"image-{uuid4()}", "CARROT CAKE 5.10"
    chroma_id = put_receipt(deployed, image, line)
    examples.run("embedding_pipeline", image)
    with examples.service(tmp_path / "copies") as service:
        assert service.found(line, chroma_id)["text"] == line
