"""The search for records whose vector was made from an earlier text (design: Stale vectors)."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final, Protocol

from receipt_index.records import STALE, Record

_A_READ: Final = 1_000


class Records(Protocol):
    """The records of one published collection."""

    def ids(self) -> Iterator[str]: ...

    def get(self, ids: Sequence[str]) -> dict[str, Record]: ...


def stale_ids(records: Records, advance: Callable[[int], None] = lambda _: None) -> Iterator[str]:
    """Yield the ids of stale records in the order of Chroma.

    `advance` receives the number of records after each read.
    """
    ids = records.ids()
    while some := list(islice(ids, _A_READ)):
        found = records.get(some)
        yield from (i for i in some if i in found and found[i].metadata.get(STALE) is True)
        advance(len(some))
