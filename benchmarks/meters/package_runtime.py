"""Finds the built packages, and builds a runtime for them: a Python of their version, and boto3.

Lambda's runtime provides boto3, so it is copied from this environment. Nothing else of this
environment may be importable.
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
    """An interpreter, and a folder with the libraries that Lambda's runtime provides."""

    python: str
    libraries: Path

    def environment(self, package: Path) -> dict[str, str]:
        """Return the variables with which the interpreter finds the package and the libraries."""
        return {"PYTHONPATH": f"{package}:{self.libraries}", "PYTHONDONTWRITEBYTECODE": "1"}


def built_package(function: str) -> Path:
    """Return the folder of a function's package, by its logical id.

    Raises:
        BenchmarkError: The package is not built.
    """
    folder = _BUILT / function
    if not (folder / "receipt_sync").is_dir():
        raise BenchmarkError(f"there is no package in {folder}: {_BUILD}")
    return folder


def package_runtime(package: Path) -> PackageRuntime:
    """Return a runtime for the package.

    Raises:
        BenchmarkError: This machine lacks the package's Python, or it has no byte-code.
    """
    version = _version_of(package)
    python = find_python(version)
    if python is None:
        raise BenchmarkError(
            f"the packages are for Python {version}, which is not installed: install it, or build "
            "for the installed Python with `PACKAGE_FOR=here make package`"
        )
    return PackageRuntime(python, _libraries(version, python))


def _version_of(package: Path) -> str:
    """Return the Python version of the package's byte-code: x.cpython-312.pyc → 3.12."""
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
