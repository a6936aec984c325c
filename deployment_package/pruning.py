"""Takes out of installed packages what no function ever opens.

What is named here alone goes: whatever a package imports or reads at run time stays. The tests run
the built packages, so that a rule which takes too much is seen.
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
    ),  # for compilers, people
    *("*.dist-info/RECORD", "*.dist-info/INSTALLER", "*.dist-info/REQUESTED"),  # for installers
    "conftest.py",
    *("numpy/_core/_*_tests.*.so", "numpy/_core/_simd.*.so"),  # what NumPy's own tests open
    "yaml/_yaml.*.so",  # PyYAML does without its accelerator, and chromadb hardly uses PyYAML
)
_WHOLE: Final = (
    "bin",
    ".lock",
    "aws_lambda_powertools/event_handler",  # HTTP APIs, with a documentation site of their own
    "chromadb/cli",
    "chromadb/server",
    "grpc/_cython/_credentials",  # roots of TLS, for a server of telemetry that nobody runs
    "grpc/beta",
    "grpc/framework",  # of grpc.beta alone
    "numpy/f2py",
    "schemas",  # of chromadb's server
)


def prune(folder: Path) -> None:
    """Remove from the installed packages in `folder` all that only builders and testers need."""
    _remove(folder / name for name in _WHOLE)
    _remove(path for pattern in _FOLDERS for path in folder.rglob(pattern) if path.is_dir())
    _remove(path for pattern in _FILES for path in folder.rglob(pattern))


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
