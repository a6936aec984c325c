"""A tick of all collections: its answer, its metrics, and its errors."""

from datetime import timedelta
from typing import Any

from compactor.scrub.scrub import ScrubSettings
from compactor.scrub.ticks import tick_all
from receipt_sync.errors import SnapshotDamagedError, TableReadError
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric
from tests.support.fakes.system import InMemorySystem
from tests.unit.compactor.scrub.setting import SETTINGS, Setting


def test_a_tick_reports_each_collection() -> None:
    system = Setting().system
    answer = tick_all(system.cycles(scrub=SETTINGS), system.deadline(), system.telemetry)
    assert answer["receipt_lines"] == {
        "scrubbed": True,
        "version": 2,
        "checked": 5,
        "found": 0,
        "repaired": 0,
        "withheld": 0,
        "proof_age": 0.0,
        "accuracy": 100.0,
    }
    assert answer["receipt_words"] == {"scrubbed": False, "reason": "nothing is published yet"}
    values = system.telemetry.values
    assert (Metric.RECORDS_CHECKED, 5) in values
    assert (Metric.DIFFERENCES_FOUND, 0) in values
    assert (Metric.DIFFERENCES_REPAIRED, 0) in values
    assert (Metric.ACCURACY_PERCENT, 100.0) in values
    assert values.count((Metric.PROOF_AGE_SECONDS, 0)) == 2


def test_the_proof_is_as_old_as_the_last_completed_round() -> None:
    setting = Setting()
    setting.tick()
    setting.system.table.failing = TableReadError("throttled")
    answer = tick_all({Collection.LINES: setting.cycle}, setting.system.deadline(),
                      setting.system.telemetry)  # fmt: skip
    assert answer["receipt_lines"]["error"] == "TableReadError"
    assert setting.system.telemetry.values[-1] == (Metric.PROOF_AGE_SECONDS, 0)
    setting.system.clock.advance(100)
    tick_all({Collection.LINES: setting.cycle}, setting.system.deadline(), setting.system.telemetry)
    assert setting.system.telemetry.values[-1] == (Metric.PROOF_AGE_SECONDS, 100)
    setting.system.table.failing = None
    setting.change(setting.keys[1], text="damaged")
    setting.tick(3_000)  # The round waits for the second look.
    assert setting.tick(30).proof_age == 3_130
    assert setting.tick(30).proof_age == 0


def test_an_error_of_one_collection_does_not_stop_the_other() -> None:
    class Damaged:
        proof_age = None

        def tick(self, _: object) -> None:
            raise SnapshotDamagedError("the manifest is gone")

    class Odd:
        proof_age = None

        def tick(self, _: object) -> None:
            raise KeyError("receipt text")

    setting = Setting()
    cycles: dict[Collection, Any] = {Collection.WORDS: Damaged(), Collection.LINES: setting.cycle}
    telemetry = setting.system.telemetry
    answer = tick_all(cycles, setting.system.deadline(), telemetry)
    assert answer["receipt_words"]["reason"] == "the manifest is gone"
    assert answer["receipt_lines"]["scrubbed"] is True
    assert telemetry.total(Metric.SNAPSHOTS_DAMAGED) == 1
    answer = tick_all({Collection.LINES: Odd()}, setting.system.deadline(), telemetry)
    assert answer["receipt_lines"] == {"error": "KeyError", "reason": None}


def test_a_tick_beside_another_worker_reports_that_it_is_busy() -> None:
    setting = Setting()
    system = setting.system
    with system.lease(Collection.LINES, "other").held(system.deadline()):
        answer = tick_all({Collection.LINES: setting.cycle}, system.deadline(5), system.telemetry)
    assert answer["receipt_lines"]["error"] == "LeaseUnavailableError"
    assert system.telemetry.problems == []


def test_a_tick_says_that_the_scrub_is_off() -> None:
    system = InMemorySystem()
    answer = tick_all(system.cycles(), system.deadline(), system.telemetry)
    assert answer["receipt_lines"] == {"scrubbed": False, "reason": "the scrub is off"}
    assert system.telemetry.values == [(Metric.RECORDS_CHECKED, 0)] * 2  # the heartbeat


def test_settings_of_another_interval_take_effect_at_once() -> None:
    setting = Setting()
    setting.tick()
    hour = ScrubSettings(timedelta(hours=1), 60.0)
    setting.cycle = setting.system.cycles(scrub=hour)[Collection.LINES]
    assert setting.tick(60).checked == 5
