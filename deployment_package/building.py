"""Builds the package of one function in a folder: dependencies, own code and byte-code."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deployment_package.bytecode import compile_folder, find_python
from deployment_package.errors import PackageError
from deployment_package.pruning import prune
from deployment_package.targets import Target
from deployment_package.wheels import install

PROJECT: Final = Path(__file__).resolve().parents[1]
PACKAGES: Final[Mapping[str, Sequence[str]]] = {
    "stream_processor": ("receipt_sync", "receipt_functions", "stream_processor"),
    "compactor": ("receipt_sync", "receipt_functions", "receipt_index", "compactor"),
}
"""The packages below src/ that each function needs, its own last."""
# vector_sender.py is for programs outside Lambda, and its dependency is in no function's list.
_NOT_CARRIED: Final = shutil.ignore_patterns(
    "__pycache__", "requirements.txt", "py.typed", "vector_sender.py"
)


@dataclass(frozen=True)
class Built:
    """The result of a build.

    `compiler` is the Python that made the byte-code, or None without byte-code.
    """

    function: str
    folder: Path
    target: Target
    compiler: str | None


def install_dependencies(
    function: str, folder: Path, target: Target, project: Path = PROJECT
) -> Path:
    """Install the dependencies of `function` in `folder`, and return the folder.

    Raises PackageError.
    """
    names = project / "src" / function / "requirements.txt"
    if not names.exists():
        raise PackageError(f"{names} does not exist: give a function's package below src/")
    install(names, project / "requirements.lock", folder, target)
    prune(folder)
    return folder


def copy_own_code(function: str, folder: Path, project: Path = PROJECT) -> None:
    """Copy the project's packages that `function` needs into `folder`."""
    for package in PACKAGES[function]:
        shutil.copytree(project / "src" / package, folder / package, ignore=_NOT_CARRIED)


def build(function: str, folder: Path, target: Target, project: Path = PROJECT) -> Built:
    """Build the package of `function` in `folder`. Raises PackageError."""
    install_dependencies(function, folder, target, project)
    copy_own_code(function, folder, project)
    compiler = find_python(target.python)
    if compiler is not None:
        compile_folder(folder, compiler)
    return Built(function, folder, target, compiler)
