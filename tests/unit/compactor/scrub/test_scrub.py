"""What the scrub finds, when it counts a difference, and how it repairs it (I12)."""

from contextlib import AbstractContextManager
from dataclasses import replace
from decimal import Decimal
from unittest.mock import patch

import numpy as np
import pytest

from compactor.cycle.delete_guard import DeleteGuard
from compactor.scrub import rounds
from receipt_index.records import STALE
from receipt_index.snapshot.format.scrub_state import Phase
from receipt_sync.errors import IndexFailedError, PublishRefusedError, TableReadError
from receipt_sync.keys import Collection
from receipt_sync.messages import delta_key
from receipt_sync.telemetry import Metric
from tests.support.fakes.index import InMemoryIndex
from tests.support.fakes.system import InMemorySystem, line, word
from tests.support.fakes.target import InMemoryTarget
from tests.unit.compactor.scrub.setting import PATIENCE, SETTINGS, Setting


@pytest.fixture
def setting() -> Setting:
    return Setting()


def slices_of(steps: int) -> AbstractContextManager[object]:
    """Give each slice so many steps."""
    return patch.multiple("compactor.scrub.scrub", LEAST_STEPS=steps, steps_due=lambda *_: steps)


def test_sound_records_are_checked_and_nothing_is_written(setting: Setting) -> None:
    setting.system.index().calls.clear()
    report = setting.tick()
    assert (report.checked, report.found) == (5, 0)
    assert setting.system.index().calls == []
    assert setting.state.last is not None
    assert setting.state.last.checked == 5
    assert report.accuracy == 100.0
    assert report.proof_age == 0.0


@pytest.mark.parametrize("fields", [{"text": "damaged"}, {"text": None}, {"foreign": "field"}])
def test_a_record_that_differs_is_repaired_at_the_second_look(
    setting: Setting, fields: dict[str, object]
) -> None:
    fields = {name: value for name, value in fields.items() if value is not None}
    if not fields:
        del setting.records[line(2).chroma_id].metadata["text"]  # type: ignore[attr-defined]
    setting.change(line(2), **fields)
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)
    assert setting.system.differences() == []
    assert "foreign" not in setting.records[line(2).chroma_id].metadata
    assert setting.state.suspects == ()


def test_an_unexpected_record_is_deleted(setting: Setting) -> None:
    setting.add(line(77).chroma_id)
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)
    assert line(77).chroma_id not in setting.records


@pytest.mark.parametrize("chroma_id", ["junk", word(1).chroma_id])
def test_a_record_whose_id_no_record_may_have_is_deleted(setting: Setting, chroma_id: str) -> None:
    setting.add(chroma_id)
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)
    assert chroma_id not in setting.records


def test_a_missing_record_comes_back_from_its_delta(setting: Setting) -> None:
    before = setting.records[line(3).chroma_id]
    setting.delete(line(3))
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)
    assert setting.records[line(3).chroma_id] == before
    assert len(setting.system.index().stored_vectors[line(3).chroma_id]) > 0


def test_a_missing_record_comes_back_once_and_from_its_newest_delta(setting: Setting) -> None:
    for key in (line(1), line(2), line(1), line(3)):
        setting.apply(setting.system.delta_body([key]))
    newest = setting.records[line(3).chroma_id].metadata["delta_id"]
    setting.delete(line(3))
    with slices_of(12):  # one small object in each slice
        reports = [setting.tick(PATIENCE) for _ in range(14)]
    assert setting.state.last is not None
    assert sum(report.found for report in reports) == 1
    assert setting.records[line(3).chroma_id].metadata["delta_id"] == newest


def test_a_missing_record_that_is_not_marked_comes_back_as_well(setting: Setting) -> None:
    del setting.system.table.items[line(3)]["embedding_status"]
    setting.apply(setting.system.change_body(line(3), "embedding_status"))
    setting.delete(line(3))
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)


def test_a_lost_vector_comes_back_from_its_own_delta(setting: Setting) -> None:
    before = setting.system.index().stored_vectors[line(3).chroma_id]
    setting.remove_vector(line(3))
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)
    assert np.array_equal(setting.system.index().stored_vectors[line(3).chroma_id], before)
    assert setting.system.differences() == []


def test_an_older_delta_does_not_bring_back_a_lost_vector(setting: Setting) -> None:
    setting.apply(setting.system.delta_body([line(3)]))
    newest = setting.system.index().stored_vectors[line(3).chroma_id]
    setting.remove_vector(line(3))
    assert setting.two_looks().repaired == 1
    assert np.array_equal(setting.system.index().stored_vectors[line(3).chroma_id], newest)


def test_a_vector_that_is_not_the_deltas_is_repaired(setting: Setting) -> None:
    setting.system.index().stored_vectors[line(3).chroma_id] = np.array([1, -1, 1, -1], np.float32)
    setting._published()
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)
    assert setting.two_looks().found == 0


def test_a_delta_that_was_never_applied_is_applied(setting: Setting) -> None:
    setting.system.delta_body([line(3)])
    report = setting.two_looks()
    assert (report.found, report.repaired) == (1, 1)
    assert setting.records[line(3).chroma_id].metadata["delta_id"] == f"{2:026d}"


def test_what_can_not_come_back_is_counted_in_each_round(setting: Setting) -> None:
    setting.system.deltas.objects.clear()
    setting.delete(line(3))
    setting.remove_vector(line(4))
    report = setting.two_looks()
    assert (report.found, report.repaired) == (2, 0)
    assert setting.state.suspects == ()
    report = setting.two_looks()
    assert (report.found, report.repaired) == (2, 0)
    assert report.accuracy == pytest.approx(100 * (1 - 2 / 4))


def test_a_difference_that_goes_meanwhile_is_not_counted(setting: Setting) -> None:
    """The table changes, and the message comes between the two looks."""
    setting.system.table.items[line(2)]["text"] = "edited"
    setting.tick()
    assert [suspect.id for suspect in setting.state.suspects][:1] != []
    setting.apply(setting.system.change_body(line(2), "text"))
    report = setting.tick(PATIENCE)
    assert (report.found, report.repaired) == (0, 0)
    report = setting.tick(PATIENCE)
    assert (report.found, setting.state.suspects) == (0, ())


def test_a_record_whose_changes_still_arrive_is_not_counted(setting: Setting) -> None:
    """The record differs at both looks, each time because of a message that waits."""
    setting.system.table.items[line(2)]["text"] = "one"
    setting.tick()
    setting.apply(setting.system.change_body(line(2), "text"))
    setting.system.table.items[line(2)]["text"] = "two"
    assert setting.tick(PATIENCE).found == 0
    assert setting.records[line(2).chroma_id].metadata["text"] == "one"


def test_a_suspect_that_is_right_again_is_forgotten(setting: Setting) -> None:
    """The next difference of the record begins with a first look of its own."""
    setting.system.table.items[line(2)]["text"] = "one"
    setting.tick()
    setting.apply(setting.system.change_body(line(2), "text"))
    setting.tick(PATIENCE)
    assert setting.state.suspects == ()
    setting.system.table.items[line(2)]["text"] = "two"
    assert setting.tick(PATIENCE).found == 0


def test_the_second_look_waits_for_the_patience(setting: Setting) -> None:
    setting.change(line(2), text="damaged")
    setting.tick()
    assert setting.tick(PATIENCE - 1).found == 0
    assert setting.tick(1).found == 1


def test_an_entity_deleted_with_its_message_waiting_is_no_missing_record(setting: Setting) -> None:
    del setting.system.table.items[line(3)]
    setting.apply(setting.system.change_body(line(3), event="REMOVE"))
    setting.tick()
    assert setting.state.suspects == ()


def test_a_refused_publish_moves_no_cursor(setting: Setting) -> None:
    setting.tick()
    before = setting.state
    setting.change(line(2), text="damaged")
    with (
        patch.object(InMemoryTarget, "publish", side_effect=PublishRefusedError("another")),
        pytest.raises(PublishRefusedError),
    ):
        setting.cycle.tick(setting.system.deadline())
    assert setting.state == before
    assert setting.two_looks().repaired == 1


def test_another_worker_continues_the_round(setting: Setting) -> None:
    with slices_of(2):
        setting.tick()
        place = setting.state
        assert (place.phase, place.last) == (Phase.INDEX, None)
        setting.cycle = setting.new_cycle()
        setting.tick()
        assert setting.state.index is not None
        assert place.index is not None
        assert setting.state.index > place.index


def test_each_slice_goes_on_where_the_last_one_ended(setting: Setting) -> None:
    with slices_of(2):
        checked = setting.tick().checked
        while setting.state.last is None:
            checked += setting.tick().checked
    assert checked == 5
    assert setting.state.last.steps >= 6 + 5 + 10  # items of the table, records, one delta


def test_no_slice_is_larger_than_the_memory_allows() -> None:
    setting = Setting(lines=150)
    small = replace(SETTINGS, most=100)
    setting.cycle = setting.system.cycles(scrub=small)[Collection.LINES]
    assert setting.tick().checked == 100
    assert setting.tick().checked == 50


def test_a_full_list_stops_the_cursors_and_no_difference_is_lost() -> None:
    setting = Setting(lines=12)
    for key in setting.keys:
        setting.change(key, text="damaged")
    with (
        patch.object(rounds, "MAX_SUSPECTS", 5),
        patch("compactor.scrub.scrub.MAX_SUSPECTS", 5),
    ):
        with slices_of(12):
            setting.tick()
        assert len(setting.state.suspects) == 5
        assert setting.state.index == line(4).chroma_id
        reports = [setting.tick(PATIENCE) for _ in range(8)]
    assert sum(report.repaired for report in reports) == 12
    assert setting.system.differences() == []


def test_missing_records_do_not_wait_for_the_end_of_the_round_if_the_list_is_full() -> None:
    setting = Setting(lines=12)
    for key in setting.keys:
        setting.delete(key)
    with (
        patch.object(rounds, "MAX_SUSPECTS", 5),
        patch("compactor.scrub.scrub.MAX_SUSPECTS", 5),
    ):
        for _ in range(20):
            setting.tick(PATIENCE)
    assert len(setting.records) == 12
    assert setting.state.suspects == ()
    assert setting.state.last is not None


def test_records_that_can_not_come_back_are_each_counted_once_a_round() -> None:
    setting = Setting(lines=12)
    setting.system.deltas.objects.clear()
    for key in setting.keys:
        setting.delete(key)
    with patch.object(rounds, "MAX_SUSPECTS", 5):
        while not setting.state_or_none or setting.state.last is None:
            setting.tick(PATIENCE)
    assert setting.state.last.differences == 12
    assert setting.state.last.repaired == 0


def test_the_delete_guard_holds_back_repairs_and_not_the_deletions_of_messages(
    setting: Setting,
) -> None:
    setting.cycle = setting.new_cycle(DeleteGuard(0.01, 2))
    for number in (70, 71, 72):
        setting.add(line(number).chroma_id)
    setting.tick()
    report = setting.tick(PATIENCE)
    assert (report.found, report.repaired, report.withheld) == (3, 0, 3)
    assert line(70).chroma_id in setting.records
    assert setting.system.telemetry.total(Metric.MASS_DELETES_REFUSED) == 1
    report = setting.tick(PATIENCE)
    assert (report.found, report.withheld) == (0, 3)  # counted once
    assert setting.state.last is not None  # The round ends all the same.
    setting.cycle = setting.new_cycle(DeleteGuard(1.0, 2))
    assert setting.tick(PATIENCE).repaired == 3


def test_a_deletion_of_a_message_passes_although_those_of_the_scrub_are_refused() -> None:
    setting = Setting()
    system = setting.system
    for number in (70, 71, 72):
        setting.add(line(number).chroma_id)
    setting.tick()
    system.clock.advance(PATIENCE)
    del system.table.items[line(1)]
    worker = system.worker(guard=DeleteGuard(0.01, 2), scrub=SETTINGS)
    with patch("compactor.scrub.pacing.TimeShare.steps", 1_000):
        report = system.handle(worker, system.change_body(line(1), event="REMOVE"))
    assert report.returned == {}
    assert report.cycles[0].scrub is not None
    assert report.cycles[0].scrub.withheld == 3
    assert line(1).chroma_id not in setting.records


def test_repairs_join_a_cycle_with_messages(setting: Setting) -> None:
    system = setting.system
    setting.change(line(2), text="damaged")
    setting.tick()
    system.clock.advance(PATIENCE)
    system.table.items[line(1)]["confidence"] = Decimal("0.5")
    with patch("compactor.scrub.pacing.TimeShare.steps", 1_000):
        report = system.handle(
            system.worker(scrub=SETTINGS), system.change_body(line(1), "confidence")
        )
    (cycle,) = report.cycles
    assert cycle.scrub is not None
    assert (cycle.scrub.repaired, cycle.updated) == (1, 2)
    assert system.telemetry.total(Metric.DIFFERENCES_REPAIRED) == 1
    assert system.differences() == []


def test_a_record_that_can_not_be_repaired_blames_no_message_and_no_other_record(
    setting: Setting,
) -> None:
    system = setting.system
    for key in (line(1), line(2), line(3)):
        setting.change(key, text="damaged")
    setting.tick()
    system.index().poisonous.add(line(2).chroma_id)
    system.clock.advance(PATIENCE)
    worker = system.worker(scrub=SETTINGS)
    system.table.items[line(4)]["confidence"] = Decimal("0.5")
    with patch("compactor.scrub.pacing.TimeShare.steps", 1_000):
        report = system.handle(worker, system.change_body(line(4), "confidence"))
    assert (report.returned, report.parked) == ({}, 0)
    assert setting.records[line(4).chroma_id].metadata["confidence"] == pytest.approx(0.5)
    failures = 0
    for _ in range(8):
        try:
            setting.tick(PATIENCE)
        except IndexFailedError:
            failures += 1
    assert 0 < failures < 5
    assert system.differences() == [line(2).chroma_id]
    assert [suspect.id for suspect in setting.state.suspects] == [line(2).chroma_id]
    assert setting.state.last is not None


def test_a_slice_that_can_not_be_read_holds_back_no_message(setting: Setting) -> None:
    system = setting.system
    system.table.items[line(1)]["confidence"] = Decimal("0.5")
    worker = system.worker(scrub=SETTINGS)
    with (
        patch("compactor.scrub.pacing.TimeShare.steps", 1_000),
        patch.object(InMemoryIndex, "ids_after", side_effect=IndexFailedError("broken")),
    ):
        report = system.handle(worker, system.change_body(line(1), "confidence"))
    assert report.returned == {}
    assert setting.system.published[Collection.LINES].scrub is None


def test_a_throttled_table_proves_nothing(setting: Setting) -> None:
    setting.system.table.failing = TableReadError("throttled")
    with pytest.raises(TableReadError):
        setting.cycle.tick(setting.system.deadline())
    assert len(setting.records) == 5


def test_a_delta_of_another_dimension_or_a_broken_one_is_passed_over(setting: Setting) -> None:
    setting.system.delta_body([line(3)], dimension=7)
    setting.system.deltas.objects[delta_key(Collection.LINES, f"{9:026d}")] = b"junk"
    setting.tick()
    assert setting.state.suspects == ()
    assert setting.state.last is not None


def test_a_delta_of_an_older_text_comes_back_as_stale(setting: Setting) -> None:
    setting.system.table.items[line(3)]["text"] = "edited"
    setting.apply(setting.system.change_body(line(3), "text"))
    setting.delete(line(3))
    assert setting.two_looks().repaired == 1
    assert setting.records[line(3).chroma_id].metadata[STALE] is True


def test_a_tick_before_the_first_publish_publishes_nothing() -> None:
    system = InMemorySystem()
    cycle = system.cycles(scrub=SETTINGS)[Collection.LINES]
    report = cycle.tick(system.deadline())
    assert report is not None
    assert report.scrub is None
    assert system.published[Collection.LINES].version == 0


def test_a_cycle_without_a_scrub_has_no_tick() -> None:
    system = InMemorySystem()
    assert system.cycles()[Collection.LINES].tick(system.deadline()) is None
