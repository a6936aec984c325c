"""When a step of the demonstration counts as seen, and what it writes."""

from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from demo.story import NEW_TEXT, Cast, Step, UnsuitableReceiptsError, choose, steps
from receipt_ops.connection import Connection, Names
from receipt_ops.loading.items import embedded, entities_of
from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.fakes import InMemorySnapshot, ScannedTable, snapshots_of

RECEIPTS = list(synthetic_receipts(3, Random(1)))
CAST = Cast(*RECEIPTS)
CLIENT: Any = None


class RecordingTable:
    """Notes the calls that a step makes."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []

    def update_item(self, **call: Any) -> None:
        self.updates.append(call)


@dataclass
class LoadedSystem:
    """The table's items and what readers see, loaded with the first two receipts."""

    table: ScannedTable
    calls: RecordingTable
    steps: list[Step]

    @property
    def readers(self) -> dict[Collection, InMemorySnapshot]:
        return snapshots_of(self.table)

    def seen(self, number: int) -> bool:
        return self.steps[number].visible(self.readers)  # type: ignore[arg-type]

    def edit(self, key: Any, **fields: Any) -> None:
        self.table.items[key] = {**self.table.items[key], **fields}


@pytest.fixture
def system() -> LoadedSystem:
    table, calls = ScannedTable(), RecordingTable()
    for receipt in RECEIPTS[:2]:
        metadata, *others = entities_of(receipt)
        table.load([metadata, *map(embedded, others)])
    dynamodb: Any = calls
    connection = Connection(Names("t", "q", "b"), dynamodb, CLIENT, CLIENT)
    return LoadedSystem(table, calls, steps(CAST, connection))


METADATA = next(iter(entities_of(CAST.edited))).key
LINE, WORD = METADATA._replace(line_id=2), METADATA._replace(line_id=1, word_id=1)


@pytest.mark.parametrize("number", range(6))
def test_before_its_write_no_step_counts_as_seen(system: LoadedSystem, number: int) -> None:
    assert not system.seen(number)


def test_a_rename_is_seen_once_every_line_and_word_has_it(system: LoadedSystem) -> None:
    system.steps[0].write()
    (call,) = system.calls.updates
    names = {name: key for key, name in call["ExpressionAttributeNames"].items()}
    new = call["ExpressionAttributeValues"][names["merchant_name"].replace("#f", ":v")]["S"]
    assert call["Key"] == {"PK": {"S": METADATA.pk}, "SK": {"S": METADATA.sk}}
    before = system.readers
    system.edit(METADATA, merchant_name=new)
    assert system.seen(0)
    mixed: Any = {**system.readers, Collection.WORDS: before[Collection.WORDS]}
    assert not system.steps[0].visible(mixed)


def test_an_edit_is_seen_once_the_line_and_its_neighbour_have_it(system: LoadedSystem) -> None:
    system.edit(LINE, text=NEW_TEXT)
    assert system.seen(1)
    readers = system.readers
    readers[Collection.LINES].change(LINE._replace(line_id=3).chroma_id, prev_line_text="old")
    assert not system.steps[1].visible(readers)  # type: ignore[arg-type]


def test_a_vector_is_seen_once_it_is_of_the_present_text_and_not_stale(
    system: LoadedSystem,
) -> None:
    system.edit(LINE, text=NEW_TEXT)
    assert system.seen(2)
    readers = system.readers
    readers[Collection.LINES].change(LINE.chroma_id, embedding_stale=True)
    assert not system.steps[2].visible(readers)  # type: ignore[arg-type]


def test_a_deleted_word_is_seen_once_it_is_gone_and_its_neighbour_knows(
    system: LoadedSystem,
) -> None:
    readers = system.readers
    del readers[Collection.WORDS].records[WORD.chroma_id]
    assert not system.steps[3].visible(readers)  # type: ignore[arg-type]
    del system.table.items[WORD]
    assert system.seen(3)


def test_a_deleted_receipt_is_seen_once_no_line_and_no_word_is_left(system: LoadedSystem) -> None:
    keys = [entity.key for entity in entities_of(CAST.deleted)]
    for key in keys[:-1]:
        del system.table.items[key]
    assert not system.seen(4)
    del system.table.items[keys[-1]]
    assert system.seen(4)


def test_an_added_receipt_is_seen_once_all_of_it_is_there_and_marked(system: LoadedSystem) -> None:
    metadata, *others = entities_of(CAST.added)
    system.table.load([metadata, *others])
    assert not system.seen(5)
    system.table.load([metadata, *map(embedded, others)])
    assert system.seen(5)


def test_the_first_two_receipts_that_fit_are_taken() -> None:
    line = Line(text="a b", box=(0, 0, 1, 1))
    nameless = Receipt(receipt="nameless", lines=(line,) * 5)
    short = Receipt(receipt="short", company="x", lines=(line,) * 2)
    cast = choose([nameless, RECEIPTS[0], short, RECEIPTS[1], RECEIPTS[2]], added=nameless)
    assert (cast.edited, cast.deleted) == (RECEIPTS[0], RECEIPTS[1])


def test_receipts_that_do_not_fit_are_refused_before_anything_is_started() -> None:
    with pytest.raises(UnsuitableReceiptsError, match="a company and 3 or more lines"):
        choose(RECEIPTS[:1], added=RECEIPTS[2])
