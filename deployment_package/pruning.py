"""Removes the files of installed packages that the functions never open.

Only the files named here are removed. All files that a package imports or reads at run time stay.
The tests run the built packages, so that a wrong rule makes them fail.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_FOLDERS: Final = ("tests", "test", "*-stubs", "include", "sboms")
_FILES: Final = (
    *(
        "*.pyi",
        "*.pyx",
        "*.pxd",
        "*.c",
        "*.h",
        "*.a",
        "*.proto",
        "*.ipynb",
    ),  # For compilers and people.
    *("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED"),  # For installers.
    "conftest.py",
    *("numpy/_core/_*_tests.*.so", "numpy/_core/_simd.*.so"),  # For NumPy's own tests.
    "yaml/_yaml.*.so",  # PyYAML works without its accelerator, and chromadb hardly uses PyYAML.
)
_WHOLE: Final = (
    "bin",
    ".lock",
    "aws_lambda_powertools/event_handler",  # HTTP APIs, with a documentation site.
    "chromadb/cli",
    "chromadb/server",
    "grpc/_cython/_credentials",  # TLS root certificates, for an unused telemetry server.
    "grpc/beta",
    "grpc/framework",  # Only grpc.beta needs it.
    "numpy/f2py",
    "schemas",  # Chromadb's server needs it.
)


def prune(folder: Path) -> None:
    """Remove the files that only builders and testers need from the packages in `folder`."""
    _remove(folder / name for name in _WHOLE)
    _remove(path for pattern in _FOLDERS for path in folder.rglob(pattern) if path.is_dir())
    _remove(path for pattern in _FILES for path in folder.rglob(pattern))


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
