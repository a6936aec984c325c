"""After a lost answer, the system neither repeats nor returns completed work, and does not wait."""

import pytest

from tests.reliability.lost_answers.calls import Call
from tests.reliability.lost_answers.campaign import NAMES, losses, run, some_of
from tests.reliability.lost_answers.injector import Mode, Record
from tests.reliability.lost_answers.scenarios import FirstVersion, Reading, StreamProcessing
from tests.reliability.lost_answers.trial import Undisturbed

# Many short trials: a minute on an idle machine, and much longer beside busy processes.
pytestmark = pytest.mark.timeout(1200)

_ACQUIRE = Call("PutItem", "the lease of lines")
_OTHER = Call("PutItem", "the lease of words")
_BEAT = Call("UpdateItem", "the lease of lines")
_READ = Call("GetObject", "a manifest of receipt_lines")
_CALLS = [(_ACQUIRE, 1), (_ACQUIRE, 2), (_BEAT, 1), (_BEAT, 2), (_READ, 1), (_OTHER, 1)]
_FOUND = Undisturbed(Record(_CALLS), {}, [])


@pytest.mark.long
def test_each_kind_of_call_survives_the_loss_of_its_answer() -> None:
    report = run(NAMES, quick=True, on_progress=lambda *_: None)
    assert report.broken == []
    assert [f"{t.scenario}, {t.call}, {t.mode}: {t.wrong}" for t in report.failed] == []
    # The calls of the later scenarios are of kinds that these have tried.
    expected = {"compactor, first version", "stream processor", "reader, cold start"}
    assert {trial.scenario for trial in report.trials} >= expected


def test_each_kind_of_call_of_one_scenario_survives_the_loss_of_its_answer() -> None:
    report = run([StreamProcessing.name], quick=True, on_progress=lambda *_: None)
    assert report.broken == []
    assert report.trials
    assert [f"{t.call}, {t.mode}: {t.wrong}" for t in report.failed] == []


def test_every_write_is_tried_in_both_modes_and_a_heartbeat_only_once() -> None:
    tried = [(loss.call, loss.number) for loss in losses(_FOUND, FirstVersion())]
    each = [(_ACQUIRE, 1), (_ACQUIRE, 2), (_BEAT, 1), (_OTHER, 1)]
    assert tried == [call for call in each for _ in Mode]


def test_of_a_reader_the_reads_are_tried() -> None:
    assert {loss.call for loss in losses(_FOUND, Reading())} == {_READ}


def test_the_quick_form_takes_one_of_each_kind_whatever_the_collection() -> None:
    some = list(some_of(list(losses(_FOUND, FirstVersion())), set()))
    assert [loss.call for loss in some] == [_ACQUIRE, _BEAT]
    assert [loss.mode for loss in some] == list(Mode)


@pytest.mark.parametrize("name", ["compactor, first version", "reader, cold start"])
def test_a_scenario_is_known_by_name(name: str) -> None:
    assert name in NAMES
