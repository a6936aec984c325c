"""Read all ids of a collection by offset while records are deleted.

Chroma returns records in the order of their insertion, and has no cursor besides the offset. A
delete moves all later records forward, so the next page would skip some. So each page begins before
the end of the page before it. The ids that were read last show where the unread ids begin.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

ReadPage = Callable[[int, int], Sequence[str]]
"""Returns at most `limit` ids from `offset` on: read(limit, offset)."""

_REMEMBERED_PAGES: Final = 10
_OVERLAP_SHARE: Final = 10
"""Each page begins with a tenth of a page that was read before."""


def all_ids(read: ReadPage, size: int) -> Iterator[str]:
    """Yield the id of every record that exists from the first read to the last.

    An id may be yielded twice if all records of the last ten pages are deleted meanwhile.
    """
    last: deque[str] = deque(maxlen=_REMEMBERED_PAGES * size)
    end = 0
    while True:
        start = max(0, end - max(1, size // _OVERLAP_SHARE)) if last else 0
        start, page = _page_that_continues(read, size, start, last)
        fresh = _unread(page, last)
        yield from fresh
        last.extend(fresh)
        end = start + len(page)
        if len(page) < size:
            return


def _page_that_continues(
    read: ReadPage, size: int, start: int, last: Sequence[str]
) -> tuple[int, Sequence[str]]:
    """Return an offset and its page, which holds an id that was read last.

    The page begins at `start`, or earlier if that page holds no such id. At offset 0, any page is
    returned.
    """
    known = set(last)
    while True:
        page = read(size, start)
        if start == 0 or not known.isdisjoint(page):
            return start, page
        start = max(0, start - size)


def _unread(page: Sequence[str], last: Sequence[str]) -> list[str]:
    """Return the ids of the page after the last one that was already read."""
    known = set(last)
    places = [place for place, each in enumerate(page) if each in known]
    return list(page[places[-1] + 1 :]) if places else list(page)
