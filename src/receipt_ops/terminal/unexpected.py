"""The sentence for an unexpected error, without the error's own text.

An error's text may hold receipt text (I8), so the sentence names only its class and its place.
"""

import errno
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_WORDS: Final = ("disk is full", "No space left on device", "(os error 28)")
"""The words of SQLite and Chroma's Rust core for a full disk. Their errors have no number."""
_SOURCE: Final = Path(__file__).resolve().parents[1]


def sentence_of(error: BaseException) -> str:
    """Return a sentence that says what is wrong, for an error of any class."""
    if is_full_disk(error):
        return full_disk()
    if isinstance(error, OSError):
        return _of_the_machine(error)
    return f"the command ended in an unexpected {type(error).__name__} {_place(error)}"


def is_full_disk(error: BaseException) -> bool:
    """Return whether the error, or one of its causes, reports a full disk."""
    return any(
        one.errno in _FULL
        if isinstance(one, OSError)
        else any(words in str(one) for words in _FULL_WORDS)
        for one in _chain(error)
    )


def full_disk() -> str:
    """Return the sentence for a full disk."""
    return (
        "the disk is full: free some space, or set TMPDIR to a folder on a larger disk "
        f"(temporary files go to {_temporary_folder()})"
    )


def _of_the_machine(error: OSError) -> str:
    if error.filename is None and "temporary directory" in str(error):
        return "there is no writable folder for temporary files: set TMPDIR to a writable folder"
    what = error.filename or "a file or a connection"
    reason = error.strerror or type(error).__name__
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{what} can't be used ({reason}): change its permissions, or name another path"
    if error.errno == errno.EFBIG:
        return "a file grew beyond the limit of this shell: raise the limit with `ulimit -f`"
    return f"{what} can't be used: {reason}"


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


def _temporary_folder() -> str:
    try:
        return tempfile.gettempdir()
    except OSError:
        return "TMPDIR"
