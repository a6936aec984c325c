"""Lost answers are counted by scenario, and an unsound scenario has no figures."""

from typing import Any

import pytest

from tests.reliability.report.parts.commands import PartFailedError
from tests.reliability.report.parts.lost_answers import rows_of


def lost(scenario: str, call: str, *wrong: str) -> dict[str, Any]:
    return {
        "scenario": scenario, "call": call, "number": 1, "lost": 3, "wrong": list(wrong),
        "outcome": "came again: 1",
    }  # fmt: skip


def test_lost_answers_are_counted_by_scenario() -> None:
    trials = [lost("drain", "a"), lost("drain", "a", "it waited"), lost("reader", "b")]
    drain, reader = rows_of({"trials": trials, "broken": []}, "command", quick=True)
    assert (drain.what, drain.tries, drain.faults, drain.lost) == ("lost answers: drain", 2, 6, 1)
    assert drain.note == "1 calls; came again 2×"
    assert (reader.tries, reader.lost) == (1, 0)


def test_a_scenario_that_is_not_sound_without_a_loss_fails_the_part() -> None:
    with pytest.raises(PartFailedError, match="no index"):
        rows_of({"trials": [], "broken": ["no index"]}, "command", quick=True)
