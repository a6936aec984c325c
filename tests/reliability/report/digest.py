"""The digest of the code that a campaign tests. Each figure carries it."""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from local.state import PROJECT
from tests.reliability.report.code_only import code_only

CODE: Final = (
    "src/receipt_sync",
    "src/receipt_functions",
    "src/receipt_index",
    "src/compactor",
    "src/stream_processor",
    "local",
)
"""The code that every campaign tests. Commands and documents do not belong to it."""
LENGTH: Final = 12
"""Number of hexadecimal digits of a digest."""


def digest_of(paths: Iterable[str], project: Path = PROJECT) -> str:
    """Return the digest of files, and of all files in folders, by their names and contents.

    Comments and docstrings of Python files do not count, because prose changes no result.
    Raises FileNotFoundError for a path that does not exist.
    """
    whole = sha256()
    for file in sorted({file for path in paths for file in _files(project / path)}):
        name = file.relative_to(project).as_posix()
        whole.update(f"{name} {sha256(_content(file)).hexdigest()}\n".encode())
    return whole.hexdigest()[:LENGTH]


def _content(file: Path) -> bytes:
    return code_only(file.read_text()).encode() if file.suffix == ".py" else file.read_bytes()


def _files(path: Path) -> Iterator[Path]:
    if not path.exists():
        raise FileNotFoundError(f"{path} is part of what a campaign tests, and does not exist")
    if path.is_file():
        yield path
        return
    yield from (p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
