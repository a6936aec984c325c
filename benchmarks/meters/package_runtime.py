"""The built packages, and what else Lambda's runtime brings: a Python of their version, and boto3.

boto3 is copied from this environment, because a package must be imported without anything else
that this environment has.
"""

import shutil
from dataclasses import dataclass
from importlib.metadata import files
from pathlib import Path
from typing import Final

from benchmarks.errors import BenchmarkError
from benchmarks.paths import PROJECT, RESULTS
from deployment_package.bytecode import compile_folder, find_python

_BUILT: Final = PROJECT / ".aws-sam" / "build"
_RUNTIME_BRINGS: Final = (
    "boto3", "botocore", "jmespath", "python-dateutil", "s3transfer", "six", "urllib3",
)  # fmt: skip
_BUILD: Final = "build them with `make package`"


@dataclass(frozen=True)
class PackageRuntime:
    """An interpreter, and the folder with what the runtime brings."""

    python: str
    libraries: Path

    def environment(self, package: Path) -> dict[str, str]:
        """Variables with which the interpreter finds the package first, and nothing else."""
        return {"PYTHONPATH": f"{package}:{self.libraries}", "PYTHONDONTWRITEBYTECODE": "1"}


def built_package(function: str) -> Path:
    """Folder of a function's package, by its logical id. Raises BenchmarkError."""
    folder = _BUILT / function
    if not (folder / "receipt_sync").is_dir():
        raise BenchmarkError(f"there is no package in {folder}: {_BUILD}")
    return folder


def package_runtime(package: Path) -> PackageRuntime:
    """A runtime for the package. Raises BenchmarkError if this machine lacks its Python."""
    version = _version_of(package)
    python = find_python(version)
    if python is None:
        raise BenchmarkError(
            f"the packages are for Python {version}, which is not here: install it, or build for "
            "the Python at hand with `PACKAGE_FOR=here make package`"
        )
    return PackageRuntime(python, _libraries(version, python))


def _version_of(package: Path) -> str:
    """The Python that the package's byte-code is for: x.cpython-312.pyc → 3.12."""
    for path in (package / "receipt_sync").rglob("*.cpython-*.pyc"):
        digits = path.name.split(".cpython-")[1].removesuffix(".pyc")
        return f"{digits[0]}.{digits[1:]}"
    raise BenchmarkError(f"the package in {package} holds no byte-code: {_BUILD}")


def _libraries(version: str, python: str) -> Path:
    folder = RESULTS / f"runtime-{version}"
    if not folder.exists():
        scratch = folder.with_suffix(".building")
        shutil.rmtree(scratch, ignore_errors=True)
        for name in _RUNTIME_BRINGS:
            _copy(name, scratch)
        compile_folder(scratch, python)
        scratch.rename(folder)
    return folder


def _copy(distribution: str, folder: Path) -> None:
    for file in files(distribution) or []:
        if file.suffix != ".pyc" and ".." not in file.parts:
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), target)
