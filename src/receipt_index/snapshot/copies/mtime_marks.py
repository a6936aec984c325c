"""Marks on files that show that they are equal. Any later write removes a mark.

A mark is a modification time before the year 2000. Each content gets a mark of its own. So several
copies of one file can be marked equal, and a copy of older content is not taken for a newer one. A
recorded modification time would not be enough. Two writes within one tick of the file system's
clock have the same time.
"""

import os
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Final

_FIRST_S: Final = 86_400  # seconds since 1970: a day of space for time zones and rounding
_END_S: Final = 946_684_800  # the year 2000, which no writer's clock shows
_STEP_S: Final = 2  # some file systems round to two seconds
_SECOND_NS: Final = 10**9

_marks: Final = count(_FIRST_S, _STEP_S)
"""Marks of this process. `forget_marks` must remove the marks that an earlier process left."""


def mark_equal(source: Path, target: Path) -> None:
    """Mark both files as equal. A mark that `source` already has stays."""
    mark = stamp(source)
    os.utime(target, ns=(mark, mark))


def stamp(path: Path) -> int:
    """Return the mark of a file. A file without a mark gets a new one."""
    mark = mark_of(path)
    if mark is None:
        mark = next(_marks) * _SECOND_NS
        os.utime(path, ns=(mark, mark))
    return mark


def forget_marks(paths: Iterable[Path]) -> None:
    """Remove the marks of files that another process may have marked.

    Every process starts its marks at the same number. So two files with marks of different
    processes could seem equal.
    """
    for path in paths:
        os.utime(path)


def are_marked_equal(one: Path, other: Path) -> bool:
    """Return whether both files have the same mark.

    If so, nothing has written to either of them since they were equal.
    """
    mark = mark_of(one)
    return mark is not None and mark == mark_of(other)


def mark_of(path: Path) -> int | None:
    """Return the mark of a file; None if something wrote to it since it was marked."""
    changed_at = path.stat().st_mtime_ns
    return changed_at if changed_at < _END_S * _SECOND_NS else None
