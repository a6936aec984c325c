"""The writer keeps its rate, and knows the items as it wrote them."""

from random import Random

from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.probes.editing import edits
from receipt_ops.verification.settling import Backlog
from receipt_sync.keys import EntityKey
from tests.reliability.soak.trial import KINDS
from tests.reliability.soak.writing import Writing
from tests.support.fakes.clock import ManualClock

RATE, SECONDS = 200.0, 1.0


class Table:
    """TableWriter, in memory."""

    def __init__(self, pause: float) -> None:
        self.pause, self.clock = pause, ManualClock()
        self.items: dict[EntityKey, Entity] = {}
        self.changes = 0

    def put(self, entities: list[Entity]) -> None:
        self.clock.sleep(self.pause)
        assert len({entity.key for entity in entities}) == len(entities)
        self.changes += len(entities)
        self.items |= {entity.key: entity for entity in entities}


def written_to(table: Table) -> Writing:
    receipts = synthetic_receipts(5, Random(1))
    entities = [entity for receipt in receipts for entity in entities_of(receipt)]
    items = {entity.key: entity for entity in entities}
    writing = Writing(table, lambda: Backlog(3, 4), items, table.clock)  # type: ignore[arg-type]
    writing.run(edits(entities, Random(2), KINDS), RATE, SECONDS, lambda *_: None)
    return writing


def test_the_rate_that_was_asked_for_is_written_and_the_backlog_watched() -> None:
    table = Table(pause=0.0)
    written = written_to(table).written
    assert written.changes == table.changes
    assert 0.8 * RATE * SECONDS <= written.changes <= RATE * SECONDS
    assert written.most_waiting == 7


def test_what_a_slow_write_held_up_is_written_after_it() -> None:
    table = Table(pause=0.35)
    assert written_to(table).written.changes >= 0.7 * RATE * SECONDS


def test_an_item_is_known_as_it_was_written_last() -> None:
    table = Table(pause=0.0)
    writing = written_to(table)
    assert table.items
    assert all(writing.items[key] == entity for key, entity in table.items.items())
