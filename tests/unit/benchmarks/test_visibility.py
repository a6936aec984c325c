"""A write is visible when a reader returns it or a later write to the same record."""

from typing import Any, cast

from benchmarks.meters.steady_writes import Write
from benchmarks.meters.visibility import Watch
from receipt_index.records import Record
from receipt_sync.keys import Collection, EntityKey

KEY = EntityKey("image", 1, 2, 3)


class OneRecord:
    """A reader of one record, with the confidence that it is given."""

    def __init__(self) -> None:
        self.confidence = 0.5

    def refresh(self) -> bool:
        return True

    def get(self, ids: list[str]) -> dict[str, Record]:
        return {i: Record(i, {"confidence": self.confidence}, None) for i in ids}


def test_a_later_write_settles_those_before_it_and_an_earlier_one_settles_nothing_else():
    reader = OneRecord()
    watch = Watch(cast(Any, {Collection.WORDS: reader}))
    watch.expect([Write(KEY, value, 0.0) for value in (0.1, 0.2, 0.3)])
    watch.check()
    assert watch.pending == 3, "what is read is none of the writes"
    reader.confidence = 0.2
    watch.check()
    assert (watch.pending, len(watch.freshness)) == (1, 2)
    reader.confidence = 0.3
    watch.check()
    assert watch.pending == 0
