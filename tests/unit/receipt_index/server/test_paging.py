"""Ids are read by offset while records are deleted and added: none that stays is left out."""

from collections.abc import Callable
from random import Random

import pytest

from receipt_index.server.paging import all_ids

SIZE = 20


class Collection:
    """Ids in the order of their insertion, as Chroma returns them. `between` runs before a read."""

    def __init__(self, count: int) -> None:
        self.ids = [f"id{number:05d}" for number in range(count)]
        self.between: Callable[[], None] = lambda: None
        self.reads = 0

    def read(self, limit: int, offset: int) -> list[str]:
        if self.reads:
            self.between()
        self.reads += 1
        return self.ids[offset : offset + limit]


@pytest.mark.parametrize("count", [0, 1, SIZE - 1, SIZE, SIZE + 1, 10 * SIZE])
def test_each_id_comes_once_while_nothing_changes(count: int) -> None:
    collection = Collection(count)
    assert list(all_ids(collection.read, SIZE)) == collection.ids


def test_a_quiet_collection_costs_hardly_more_reads_than_its_pages() -> None:
    collection = Collection(100 * SIZE)
    list(all_ids(collection.read, SIZE))
    assert collection.reads <= 115


@pytest.mark.parametrize("seed", range(300))
def test_no_id_that_stays_is_left_out_under_deletes_and_inserts(seed: int) -> None:
    """A defect of `server_paging_and_identity`: 400 of the remaining records were never seen."""
    randomness = Random(seed)
    collection = Collection(randomness.randrange(1, 400))
    at_first = set(collection.ids)
    most = randomness.choice([1, 5, SIZE, 5 * SIZE])

    def change() -> None:
        for _ in range(randomness.randrange(most + 1)):
            if collection.ids:
                front = randomness.choice([1, len(collection.ids)])
                del collection.ids[randomness.randrange(front)]
        if randomness.random() < 0.2:
            collection.ids.append(f"new{randomness.random()}")

    collection.between = change
    seen = list(all_ids(collection.read, SIZE))
    assert at_first & set(collection.ids) <= set(seen)


def test_it_ends_though_everything_is_deleted_meanwhile() -> None:
    collection = Collection(10 * SIZE)
    collection.between = collection.ids.clear
    assert len(list(all_ids(collection.read, SIZE))) == SIZE
