"""Every kind of difference between table and snapshot, and that nothing else counts as one."""

from collections.abc import Iterator
from random import Random

import pytest

from compactor.cycle.projection import Item
from receipt_index.records import Record
from receipt_ops.errors import DisorderedScanError
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.verification.verdict import FieldDifference, Finding, Verdict
from receipt_ops.verification.verify import Verification
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, EntityKey
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.fakes import InMemorySnapshot, ScannedTable, snapshots_of

LINES, WORDS = Collection.LINES, Collection.WORDS
RECEIPT = Receipt(
    receipt="r",
    company="Corner Cafe",
    lines=tuple(
        Line(text=text, box=(0, 0, 10, 10)) for text in ("COFFEE 3.00", "TEA 2.00", "TOTAL 5.00")
    ),
)
METADATA = next(iter(entities_of(RECEIPT))).key
LINE = METADATA._replace(line_id=2)
WORD = METADATA._replace(line_id=2, word_id=1)
ALL_KEYS = 3 + 6


class TableAndSnapshots:
    """A table and snapshots that agree, until a test changes one of them."""

    def __init__(self, *receipts: Receipt) -> None:
        self.table = ScannedTable()
        for receipt in receipts or (RECEIPT,):
            self.table.load([_marked(entity) for entity in entities_of(receipt)])
        self.snapshots = snapshots_of(self.table)

    @property
    def lines(self) -> InMemorySnapshot:
        return self.snapshots[LINES]

    @property
    def words(self) -> InMemorySnapshot:
        return self.snapshots[WORDS]

    def edit(self, key: EntityKey, **fields: object) -> None:
        item = {**self.table.items[key], **fields}
        self.table.items[key] = {name: value for name, value in item.items() if value is not None}

    def verify(self, examples: int = 100) -> Verdict:
        return Verification(self.table, self.snapshots, ManualClock(), examples).run()


def _marked(entity: Entity) -> Entity:
    return entity if entity.key.collection is None else embedded(entity)


def counts(verdict: Verdict) -> dict[str, int]:
    found = {finding.value: verdict.total(finding) for finding in Finding}
    return {name: count for name, count in found.items() if count}


def test_a_snapshot_that_is_the_projection_is_equal() -> None:
    verdict = TableAndSnapshots().verify()
    assert counts(verdict) == {"equal": ALL_KEYS}
    assert verdict.is_equal
    assert verdict.examples == []


def test_a_record_written_by_hand_from_the_contract_is_equal() -> None:
    """Against the design's own words, so that the projection can't agree with itself alone."""
    system = TableAndSnapshots()
    system.edit(LINE, confidence=1)
    held = {
        "image_id": LINE.image_id,
        "receipt_id": 1,
        "line_id": 2,
        "text": "TEA 2.00",
        "confidence": 1.0,
        "embedding_status": "SUCCESS",
        "is_noise": False,
        "bounding_box_x": 0.0,
        "bounding_box_y": 0.0,
        "bounding_box_width": 10.0,
        "bounding_box_height": 10.0,
        "merchant_name": "Corner Cafe",
        "canonical_merchant_name": "CORNER CAFE",
        "prev_line_text": "COFFEE 3.00",
        "next_line_text": "TOTAL 5.00",
        "delta_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    }
    system.lines.put(LINE.chroma_id, held, "TEA 2.00")
    assert counts(system.verify()) == {"equal": ALL_KEYS}


def test_which_delta_brought_a_vector_is_not_compared() -> None:
    system = TableAndSnapshots()
    system.lines.change(LINE.chroma_id, delta_id="01BX5ZZKBKACTAV9WEVGEMMVRZ")
    assert system.verify().is_equal


@pytest.mark.parametrize(
    ("held", "difference"),
    [
        ({"text": "TEA 3.00"}, {"text": FieldDifference("TEA 2.00", "TEA 3.00")}),
        ({"is_noise": None}, {"is_noise": FieldDifference(False, None)}),
        ({"is_noise": 0}, {"is_noise": FieldDifference(False, 0)}),
        ({"line_id": 2.0}, {"line_id": FieldDifference(2, 2.0)}),
        ({"confidence": 0.5}, {"confidence": FieldDifference(None, 0.5)}),
        ({"next_line_text": "x"}, {"next_line_text": FieldDifference("TOTAL 5.00", "x")}),
        ({"stray": "x"}, {"stray": FieldDifference(None, "x")}),
        ({"embedding_stale": True}, {"embedding_stale": FieldDifference(None, True)}),
    ],
)
def test_a_field_that_differs_in_value_type_or_presence_is_named(
    held: dict[str, object], difference: dict[str, FieldDifference]
) -> None:
    system = TableAndSnapshots()
    system.lines.change(LINE.chroma_id, **held)
    verdict = system.verify()
    assert counts(verdict) == {"equal": ALL_KEYS - 1, "different": 1}
    (example,) = verdict.examples
    assert (example.finding, example.collection, example.id) == (
        Finding.DIFFERENT,
        LINES,
        LINE.chroma_id,
    )
    assert example.fields == difference
    assert not verdict.is_equal


def test_a_merchant_that_only_some_words_have_not_followed_is_found_on_those() -> None:
    system = TableAndSnapshots()
    system.edit(METADATA, merchant_name="New Cafe")
    followers = snapshots_of(system.table)
    late = [WORD, METADATA._replace(line_id=3, word_id=2)]
    for key in late:
        followers[WORDS].records[key.chroma_id] = system.words.records[key.chroma_id]
    system.snapshots = followers
    verdict = system.verify()
    assert counts(verdict) == {"equal": ALL_KEYS - 2, "different": 2}
    assert {example.id for example in verdict.examples} == {key.chroma_id for key in late}
    assert all(set(example.fields) == {"merchant_name"} for example in verdict.examples)


def test_a_neighbours_text_that_was_not_followed_is_found_on_both_sides() -> None:
    system = TableAndSnapshots()
    system.edit(LINE, text="MILK 2.00")
    system.lines.change(LINE.chroma_id, text="MILK 2.00", embedding_stale=True)
    fields = {example.id[-5:]: set(example.fields) for example in system.verify().examples}
    assert fields == {"00001": {"next_line_text"}, "00003": {"prev_line_text"}}


def test_an_entity_without_a_record_is_missing_once_its_status_says_success() -> None:
    system = TableAndSnapshots()
    del system.lines.records[LINE.chroma_id]
    verdict = system.verify()
    assert counts(verdict) == {"equal": ALL_KEYS - 1, "missing": 1}
    assert verdict.examples[0].id == LINE.chroma_id
    assert not verdict.is_equal


@pytest.mark.parametrize("status", ["PENDING", "FAILED", None])
def test_an_entity_without_a_record_is_pending_until_then_and_that_is_no_fault(
    status: str | None,
) -> None:
    system = TableAndSnapshots()
    del system.lines.records[LINE.chroma_id]
    system.edit(LINE, embedding_status=status)
    verdict = system.verify()
    assert verdict.total(Finding.PENDING) == 1
    assert verdict.total(Finding.MISSING) == 0


def test_a_record_without_an_item_is_unexpected() -> None:
    system = TableAndSnapshots()
    for gone in (LINE, WORD):
        del system.table.items[gone]
    verdict = system.verify()
    unexpected = [e for e in verdict.examples if e.finding is Finding.UNEXPECTED]
    assert {(e.collection, e.id) for e in unexpected} == {
        (LINES, LINE.chroma_id),
        (WORDS, WORD.chroma_id),
    }
    assert verdict.total(Finding.UNEXPECTED) == 2


def test_a_record_whose_id_no_entity_can_have_is_unexpected() -> None:
    system = TableAndSnapshots()
    system.lines.put("IMAGE#x#RECEIPT#1#LINE#1", {}, "x")
    system.lines.put(WORD.chroma_id, {}, "a word among the lines")
    verdict = system.verify()
    found = {e.id for e in verdict.examples if e.finding is Finding.UNEXPECTED}
    assert "IMAGE#x#RECEIPT#1#LINE#1" in found
    assert verdict.counts[LINES].findings[Finding.UNEXPECTED] == 2


def test_the_snapshots_ids_are_listed_only_if_there_is_an_unexpected_one() -> None:
    system = TableAndSnapshots()
    system.verify()
    assert system.lines.id_reads == system.words.id_reads == 0
    del system.table.items[LINE]
    system.verify()
    assert (system.lines.id_reads, system.words.id_reads) == (1, 0)


def test_a_stale_vector_that_is_marked_is_counted_and_no_fault() -> None:
    system = TableAndSnapshots()
    system.edit(LINE, text="MILK 2.00")
    fresh = snapshots_of(system.table)[LINES].records
    system.lines.records = {
        i: Record(i, record.metadata, system.lines.records[i].document)
        for i, record in fresh.items()
    }
    system.lines.change(LINE.chroma_id, embedding_stale=True)
    verdict = system.verify()
    assert verdict.is_equal
    assert (verdict.stale, verdict.counts[LINES].stale) == (1, 1)


def test_a_stale_vector_that_is_not_marked_is_a_difference() -> None:
    system = TableAndSnapshots()
    old = system.lines.records[LINE.chroma_id]
    system.lines.put(LINE.chroma_id, old.metadata, "an earlier text")
    (example,) = system.verify().examples
    assert example.fields == {"embedding_stale": FieldDifference(True, None)}


def test_a_record_without_a_document_is_a_difference() -> None:
    system = TableAndSnapshots()
    system.lines.put(LINE.chroma_id, system.lines.records[LINE.chroma_id].metadata, None)
    (example,) = system.verify().examples
    assert set(example.fields) == {"document"}


def test_records_without_vectors_are_separated_from_those_with_vectors() -> None:
    system = TableAndSnapshots()
    lost = {LINE.chroma_id, METADATA._replace(line_id=3).chroma_id}
    system.lines.without_vector = set(lost)
    verdict = system.verify()
    assert counts(verdict) == {"equal": ALL_KEYS - 2, "different": 2}
    assert {example.id for example in verdict.examples} == lost
    assert all(set(example.fields) == {"vector"} for example in verdict.examples)


def test_before_a_first_publish_everything_is_missing_and_nothing_breaks() -> None:
    system = TableAndSnapshots()
    system.snapshots = {collection: InMemorySnapshot() for collection in Collection}
    for snapshot in system.snapshots.values():
        snapshot.version, snapshot.published_at = 0, None
    verdict = system.verify()
    assert counts(verdict) == {"missing": ALL_KEYS}


def test_an_empty_table_and_an_empty_snapshot_agree() -> None:
    system = TableAndSnapshots(Receipt(receipt="empty", lines=()))
    assert counts(system.verify()) == {}


def test_at_most_so_many_examples_are_kept_of_each_kind() -> None:
    system = TableAndSnapshots(*synthetic_receipts(5, Random(1)))
    ids = list(system.lines.records)
    for chroma_id in ids[:10]:
        system.lines.change(chroma_id, stray=1)
    for chroma_id in ids[10:20]:
        del system.lines.records[chroma_id]
    verdict = system.verify(examples=3)
    kinds = [example.finding for example in verdict.examples]
    assert sorted(kinds) == ["different"] * 3 + ["missing"] * 3
    assert verdict.total(Finding.DIFFERENT) == verdict.total(Finding.MISSING) == 10


def test_an_image_that_comes_in_two_parts_is_an_error_and_no_verdict() -> None:
    class TornTable(ScannedTable):
        def scan(self, deadline: Deadline) -> Iterator[tuple[EntityKey, Item]]:
            entities = list(super().scan(deadline))
            half = len(entities) // 2 - 3
            yield from [*entities[half:], *entities[:half]]

    system = TableAndSnapshots(*synthetic_receipts(2, Random(1)))
    torn = TornTable()
    torn.items = system.table.items
    system.table = torn
    with pytest.raises(DisorderedScanError, match="in two places"):
        system.verify()


def test_many_images_are_read_in_chunks_and_all_compared() -> None:
    system = TableAndSnapshots(*synthetic_receipts(60, Random(2)))
    seen: list[int] = []
    verdict = Verification(system.table, system.snapshots, ManualClock(), 5, seen.append).run()
    total = len(system.lines.records) + len(system.words.records)
    assert counts(verdict) == {"equal": total}
    assert sum(seen) == total
    assert len(seen) > 2


def test_the_json_has_the_counts_at_the_top_and_the_versions_a_collection() -> None:
    system = TableAndSnapshots()
    system.lines.change(LINE.chroma_id, text="x")
    content = system.verify().to_json()
    assert content["equal"] == ALL_KEYS - 1
    assert [content[n] for n in ("pending", "missing", "unexpected", "different", "stale")] == [
        0,
        0,
        0,
        1,
        0,
    ]
    assert content["collections"]["receipt_lines"]["version"] == 1
    assert content["collections"]["receipt_lines"]["elements"] == 1_234
    assert content["collections"]["receipt_lines"]["published_at"] == "2026-01-01T00:00:00+00:00"
    assert content["collections"]["receipt_words"]["equal"] == 6
    assert content["examples"] == [
        {
            "finding": "different",
            "collection": "receipt_lines",
            "id": LINE.chroma_id,
            "fields": {"text": {"table": "TEA 2.00", "snapshot": "x"}},
        }
    ]
