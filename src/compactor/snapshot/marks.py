"""Notes on files that they are equal, which any later write removes.

A note is a modification time of the last century, one for each content. So several copies of one
file can be told to be equal, and a copy of an earlier content is not taken for one of a later. A
recorded modification time would not do: two writes within one tick of the file system's clock
have the same.
"""

import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Final

_FIRST_S: Final = 86_400  # in seconds, since 1970: zone and rounding stay on this side of it
_END_S: Final = 946_684_800  # 2000, which no clock of a writer shows
_STEP_S: Final = 2  # some file systems round to two seconds
_SECOND_NS: Final = 10**9

_marks: Final = count(_FIRST_S, _STEP_S)
"""Of this process. Marks that an earlier process left must be removed with `forget_marks`."""


def mark_equal(source: Path, target: Path) -> None:
    """Note on both files that they are equal. A note that `source` bears stays."""
    mark = stamp(source)
    os.utime(target, ns=(mark, mark))


def stamp(path: Path) -> int:
    """Return the mark of a file; a file that has none gets one of its own."""
    mark = mark_of(path)
    if mark is None:
        mark = next(_marks) * _SECOND_NS
        os.utime(path, ns=(mark, mark))
    return mark


def forget_marks(paths: Iterable[Path]) -> None:
    """Remove the marks of files that another process may have marked.

    Every process numbers its marks from the same start. Two files of which each bears a mark of
    another process may therefore look equal.
    """
    for path in paths:
        os.utime(path)


def are_marked_equal(one: Path, other: Path) -> bool:
    """Whether both bear the same note, so that nothing wrote to either since they were equal."""
    mark = mark_of(one)
    return mark is not None and mark == mark_of(other)


def mark_of(path: Path) -> int | None:
    """Return the mark of a file; None if something wrote to it since it was marked."""
    changed_at = path.stat().st_mtime_ns
    return changed_at if changed_at < _END_S * _SECOND_NS else None
