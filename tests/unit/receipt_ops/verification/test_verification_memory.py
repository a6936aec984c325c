"""A verification's memory follows the largest image, and not the table."""

import gc
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from compactor.cycle.projection import Item, project
from receipt_index.records import Record
from receipt_ops.verification.verify import Verification
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.fakes import InMemorySnapshot

pytestmark = pytest.mark.measured

LINES_AN_IMAGE = 20


class EndlessTable:
    """Images that are made when they are read, and forgotten then."""

    def __init__(self, images: int) -> None:
        self.images = images

    def scan(self, deadline: Deadline) -> Iterator[tuple[EntityKey, Item]]:
        for image in range(self.images):
            yield from _items(f"image-{image:06d}").items()

    def get(self, keys: Any, deadline: Deadline) -> dict[EntityKey, Item | None]:
        raise AssertionError("nothing is unexpected")


class EndlessSnapshot(InMemorySnapshot):
    """Records that are made when they are read."""

    def __init__(self, records: int) -> None:
        super().__init__()
        self._records = records

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        found = {}
        for chroma_id in ids:
            key = parse_chroma_id(chroma_id)
            held = project(key, _items(key.image_id), document=f"text {key.line_id}")
            metadata = {name: value for name, value in held.items() if value is not None}
            found[chroma_id] = Record(chroma_id, metadata, f"text {key.line_id}")
        return found

    def vectors(self, ids: Sequence[str]) -> dict[str, Any]:
        return dict.fromkeys(ids)

    def count(self) -> int:
        return self._records


def _items(image: str) -> dict[EntityKey, Item]:
    if image not in _MADE:
        _MADE.clear()
        _MADE[image] = {
            EntityKey(image, 1, n): {"text": f"text {n}"} for n in range(LINES_AN_IMAGE)
        }
    return _MADE[image]


_MADE: dict[str, dict[EntityKey, Item]] = {}


def peak_of(images: int) -> int:
    """Bytes at most in use during a verification."""
    snapshots = {
        Collection.LINES: EndlessSnapshot(images * LINES_AN_IMAGE),
        Collection.WORDS: EndlessSnapshot(0),
    }
    verification = Verification(EndlessTable(images), snapshots, ManualClock(), 5)
    gc.collect()
    tracemalloc.start()
    verdict = verification.run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert verdict.is_equal
    assert verdict.counts[Collection.LINES].records == images * LINES_AN_IMAGE
    return peak


def test_three_times_the_table_takes_no_more_memory() -> None:
    # Enough images, the first time too, to fill the interpreter's own lists of free tuples.
    small, large = peak_of(100), peak_of(300)
    assert large < small + 20_000, "200 further images may not even cost their names"
