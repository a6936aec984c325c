"""Read all ids of a collection by offset, though records are deleted meanwhile.

Chroma returns records in the order of their insertion, and knows no cursor but the offset. A delete
moves all later records forward, so that the next page would leave some out. Each page therefore
begins before the end of the one before it. What was read last shows where to go on.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

ReadPage = Callable[[int, int], Sequence[str]]
"""Return at most `limit` ids from `offset` on: read(limit, offset)."""

_REMEMBERED_PAGES: Final = 10
_OVERLAP_SHARE: Final = 10
"""A page begins with a tenth of what was read before."""


def all_ids(read: ReadPage, size: int) -> Iterator[str]:
    """Yield the id of every record that exists from the first read to the last.

    An id may come twice if more than ten pages that were read last are deleted meanwhile.
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
    """The page from `start`, or an earlier one, that holds something that was read last."""
    known = set(last)
    while True:
        page = read(size, start)
        if start == 0 or not known.isdisjoint(page):
            return start, page
        start = max(0, start - size)


def _unread(page: Sequence[str], last: Sequence[str]) -> list[str]:
    """What follows the last id that was read already."""
    known = set(last)
    places = [place for place, each in enumerate(page) if each in known]
    return list(page[places[-1] + 1 :]) if places else list(page)
