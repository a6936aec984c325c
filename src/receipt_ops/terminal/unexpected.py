"""The sentence for an unexpected error, without the error's own text.

An error's text may hold receipt text (I8), so the sentence names only its class and its place.
"""

import errno
import sqlite3
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from receipt_ops.terminal.open_files import too_few_files
from receipt_sync.errors import WorkspaceFullError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_WORDS: Final = ("disk is full", "No space left on device", "(os error 28)")
"""The words of SQLite and Chroma's Rust core for a full disk. Their errors have no number."""
_UNUSABLE: Final = frozenset(
    {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY}
)
"""SQLite's codes for a file that it cannot use. The commands open only temporary databases."""
_SQLITE_FOLDER: Final = "/var/tmp"  # noqa: S108 only a message names it
_NO_FOLDER: Final = "No usable temporary directory found in "
_NO_THREAD: Final = "can't start new thread"
"""Python's text for a RuntimeError that has no class of its own."""
_SOURCE: Final = Path(__file__).resolve().parents[2]


def sentence_of(error: BaseException) -> str:
    """Return a sentence that says what is wrong, for an error of any class."""
    fault = machine_fault(error)
    if fault is not None:
        return fault
    if isinstance(error, OSError):
        return _of_a_file(error)
    if isinstance(error, sqlite3.Error) and is_of_the_machine(error):
        return f"a temporary file can't be used ({error.sqlite_errorname}): {_advice(_of_sqlite())}"
    if _NO_THREAD in str(error):
        return (
            "no thread can be started: raise the limits of this shell on processes and memory "
            "(`ulimit -u`, `ulimit -v`)"
        )
    return f"the command ended in an unexpected {type(error).__name__} {_place(error)}"


def machine_fault(error: BaseException) -> str | None:
    """Return the sentence for a full disk or for too few open files; None for another error.

    Such an error of an adapter is no verdict about the index.
    """
    chain = list(_chain(error))
    full = next(filter(_reports_full_disk, chain), None)
    return too_few_files(chain) if full is None else _full_disk(full)


def is_of_the_machine(error: BaseException) -> bool:
    """Return whether the error reports a fault of the machine, so its traceback is of no use."""
    if isinstance(error, sqlite3.Error):
        # The primary result code is the last byte of an extended one.
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _UNUSABLE
    return isinstance(error, OSError) or machine_fault(error) is not None


def _full_disk(cause: BaseException) -> str:
    if isinstance(cause, WorkspaceFullError):
        return f"{cause.what}: {_room(_of_python())}"
    path = cause.filename if isinstance(cause, OSError) else None
    if path is not None and not _is_temporary(path):
        return f"the disk of {path} is full: free some space, or name another path"
    where = _of_sqlite() if isinstance(cause, sqlite3.Error) else _of_python()
    return f"the disk is full: {_room(where)}"


def _reports_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    if isinstance(error, WorkspaceFullError):
        return True
    return any(words in str(error) for words in _FULL_WORDS)


def _of_a_file(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    if error.filename is None and reason.startswith(_NO_FOLDER):
        tried = reason.removeprefix(_NO_FOLDER).strip("[]")
        return (
            f"there is no writable folder for temporary files (tried {tried}): set TMPDIR to a "
            "writable folder"
        )
    what = error.filename or "a file or a connection"
    if _is_temporary(error.filename):
        return f"{what} can't be used ({reason}): {_advice(_of_python())}"
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{what} can't be used ({reason}): change its permissions, or name another path"
    if error.errno == errno.EFBIG:
        return "a file grew beyond the limit of this shell: raise the limit with `ulimit -f`"
    return f"{what} can't be used: {reason}"


def _is_temporary(path: object) -> bool:
    """Return whether a path is one of this program's temporary files."""
    folder = Path(_of_python())
    if not isinstance(path, str) or not Path(path).is_relative_to(folder):
        return False
    first = Path(path).relative_to(folder).parts[:1]
    return any(name.startswith(("receipt-sync-", tempfile.gettempprefix())) for name in first)


def _advice(where: str) -> str:
    return f"set TMPDIR to a writable folder (temporary files go to {where})"


def _room(where: str) -> str:
    return (
        "free some space, or set TMPDIR to a folder on a larger disk (temporary files go to "
        f"{where})"
    )


def _place(error: BaseException) -> str:
    """Return the file and the number of the innermost line of this project in the traceback."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in reversed(frames):
        path = Path(frame.filename)
        if path.is_relative_to(_SOURCE):
            return f"at {path.relative_to(_SOURCE)}:{frame.lineno}"
    return "outside of the code of this project"


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _of_python() -> str:
    """Return the folder in which Python makes temporary files."""
    try:
        return tempfile.gettempdir()
    except OSError:
        return "TMPDIR"


def _of_sqlite() -> str:
    """Return the folders in which SQLite makes temporary files.

    https://www.sqlite.org/tempfiles.html, section 5
    """
    return f"{_of_python()}, or to {_SQLITE_FOLDER} if TMPDIR is not set"
