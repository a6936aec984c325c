"""Notes on files that they are equal, which any later write removes.

A note is a modification time of the last century, one for each content. So several copies of one
file can be told to be equal, and a copy of an earlier content is not taken for one of a later. A
recorded modification time would not do: two writes within one tick of the file system's clock
have the same.
"""

import os
from itertools import count
from pathlib import Path
from typing import Final

_FIRST_S: Final = 86_400  # in seconds, since 1970: zone and rounding stay on this side of it
_END_S: Final = 946_684_800  # 2000, which no clock of a writer shows
_STEP_S: Final = 2  # some file systems round to two seconds
_SECOND_NS: Final = 10**9

_marks: Final = count(_FIRST_S, _STEP_S)
"""Of this process: marked folders are private to one."""


def mark_equal(source: Path, target: Path) -> None:
    """Note on both files that they are equal. A note that `source` bears stays."""
    mark = _mark(source)
    if mark is None:
        mark = next(_marks) * _SECOND_NS
        os.utime(source, ns=(mark, mark))
    os.utime(target, ns=(mark, mark))


def are_marked_equal(one: Path, other: Path) -> bool:
    """Whether both bear the same note, so that nothing wrote to either since they were equal."""
    mark = _mark(one)
    return mark is not None and mark == _mark(other)


def _mark(path: Path) -> int | None:
    changed_at = path.stat().st_mtime_ns
    return changed_at if changed_at < _END_S * _SECOND_NS else None
