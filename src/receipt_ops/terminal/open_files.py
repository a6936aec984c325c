"""The sentence for a command that may open too few files."""

import errno
import resource
from collections.abc import Iterable
from typing import Final

from receipt_sync.errors import IndexFailedError

ENOUGH: Final = 256
"""The limit that the sentence recommends. macOS has it by default, and Linux has 1,024."""
_FEW: Final = 128
"""Below this limit, a failure of Chroma says nothing about the index: Chroma needs about 30."""


def too_few_files(errors: Iterable[BaseException]) -> str | None:
    """Return a sentence if too few open files can explain the errors; None otherwise.

    Chroma's error does not say that a file was refused. It reads "Failed to get segments". So a
    failure of Chroma counts if the limit is low.
    """
    chain = list(errors)
    if any(isinstance(one, OSError) and one.errno == errno.ENFILE for one in chain):
        return "this machine can open no more files: end some of its processes"
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    refused = any(isinstance(one, OSError) and one.errno == errno.EMFILE for one in chain)
    index_failed = any(isinstance(one, IndexFailedError) for one in chain)
    if refused or (index_failed and 0 <= limit < _FEW):
        return (
            f"the command can open no more files, because this shell allows {limit:,}: raise the "
            f"limit with `ulimit -n {max(ENOUGH, 2 * limit)}`, and run it again"
        )
    return None
