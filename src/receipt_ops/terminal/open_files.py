"""The sentence for a command that may open too few files."""

import errno
import resource
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from receipt_sync.errors import IndexFailedError

_ENOUGH: Final = 256
"""Open files that a command surely does not need. Linux allows 1,024 by default, macOS 256."""
_FEW: Final = 64
"""With fewer free files, a failure of Chroma says nothing about the index: Chroma needs some 20."""


def too_few_files(errors: Iterable[BaseException]) -> str | None:
    """Return a sentence if too few open files can explain the errors; None otherwise.

    Chroma's error does not say that a file was refused. It reads "Failed to get segments", or its
    core panics. So a failure of Chroma counts if few files are free.
    """
    chain = list(errors)
    if any(isinstance(one, OSError) and one.errno == errno.ENFILE for one in chain):
        return "this machine can open no more files: end some of its processes"
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    refused = any(isinstance(one, OSError) and one.errno == errno.EMFILE for one in chain)
    if refused or (any(map(_is_of_chroma, chain)) and _free(limit) < _FEW):
        return (
            f"the command can open no more files, because this shell allows {limit:,}: raise the "
            f"limit with `ulimit -n {max(_ENOUGH, 2 * limit)}`, and run it again"
        )
    return None


def _is_of_chroma(error: BaseException) -> bool:
    return isinstance(error, IndexFailedError) or type(error).__name__ == "PanicException"


def _free(limit: int) -> int:
    """Return how many more files this process may open."""
    if limit == resource.RLIM_INFINITY:
        return _ENOUGH
    try:
        return limit - len(list(Path("/dev/fd").iterdir()))
    except OSError:  # The list itself needs a file.
        return 0
