"""A trial holds if the alarms are off before the outage, and on because of it."""

from typing import Any

import pytest

from tests.reliability.outages.trial import Result

OLDEST = "CompactionQueue-OldestMessage"


def result(shape: str = "down", **found: Any) -> Result:
    return Result("table", shape, 28.0, faults=3, caught_up=5.0, **found)


@pytest.mark.parametrize(
    ("one", "is_right"),
    [
        (result(alarmed=[OLDEST]), True),
        (result(), False),
        (result(freshness=30.0), False),
        (result(alarmed=[OLDEST], before=["Compaction-Errors"]), False),
        (result("slow"), False),
        (result("flapping", freshness=3.0), True),
        (result("flapping", freshness=7.0), False),
        (result("flapping", freshness=7.0, alarmed=[OLDEST]), True),
    ],
    ids=[
        "an alarm", "none", "late changes without an alarm", "an alarm before it", "slow, no alarm",
        "ridden out", "not ridden out", "flapping, an alarm",
    ],
)  # fmt: skip
def test_an_outage_raises_an_alarm_that_was_not_on_before(one: Result, is_right: bool) -> None:
    assert (one.alarms_right, one.held) == (is_right, is_right)


@pytest.mark.parametrize("fault", [{"lost": 1}, {"caught_up": None}, {"faults": 0}])
def test_a_loss_or_no_end_or_no_fault_at_all_does_not_hold(fault: dict[str, Any]) -> None:
    one = result(alarmed=[OLDEST])
    for name, value in fault.items():
        setattr(one, name, value)
    assert not one.held
