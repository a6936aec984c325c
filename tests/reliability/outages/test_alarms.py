"""Threshold, statistic and periods decide the state of an alarm, as in CloudWatch."""

from pathlib import Path

import pytest

from tests.reliability.outages.alarms import TERRAFORM, Alarm, Points, alarms

LATE = Alarm("late", "compactor", "Freshness", "Maximum", period=5.0, periods=2, threshold=10.0)


def raised(*points: tuple[float, float], alarm: Alarm = LATE, end: float = 60.0) -> bool:
    return alarm.is_raised(points, begin=0.0, end=end)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((), False),
        (((1, 11.0), (6, 11.0)), True),
        (((1, 11.0),), False),
        (((1, 11.0), (6, 10.0)), False),
        (((1, 11.0), (6, 9.0), (11, 11.0)), False),
        (((1, 11.0), (11, 11.0)), True),
        (((1, 11.0), (31, 11.0)), False),
        (((-4, 11.0), (1, 11.0)), False),
    ],
    ids=[
        "no data", "two periods", "one period", "at the threshold", "not in a row",
        "a period without data between", "too far apart", "before the watch began",
    ],
)  # fmt: skip
def test_an_alarm_is_raised_by_as_many_breaching_periods_as_it_says(
    points: Points, expected: bool
) -> None:
    assert raised(*points) is expected


@pytest.mark.parametrize(
    ("statistic", "expected"), [("Sum", True), ("Maximum", False), ("Average", False)]
)
def test_the_statistic_is_the_alarms_own(statistic: str, expected: bool) -> None:
    alarm = Alarm("some", "compactor", "Some", statistic, period=5.0, periods=1, threshold=10.0)
    assert raised((1, 6.0), (2, 6.0), alarm=alarm) is expected


def test_a_percentile_is_not_moved_by_one_in_a_hundred() -> None:
    alarm = Alarm("late", "compactor", "Freshness", "p95", period=5.0, periods=1, threshold=10.0)
    one = [(1.0, 1.0)] * 99 + [(1.0, 99.0)]
    ten = [(1.0, 1.0)] * 90 + [(1.0, 99.0)] * 10
    assert not raised(*one, alarm=alarm)
    assert raised(*ten, alarm=alarm)


def test_the_alarms_are_those_of_terraform_with_times_shortened() -> None:
    found = {alarm.name: alarm for alarm in alarms(function_timeout=8)}
    assert len(found) >= 15
    oldest = found["CompactionQueue-OldestMessage"]
    assert (oldest.source, oldest.statistic) == ("compaction_queue", "Maximum")
    assert (oldest.period, oldest.periods, oldest.threshold) == (5.0, 2, 15.0)
    late = found["Compaction-StaleReaders"]
    assert (late.statistic, late.periods, late.threshold) == ("p95", 3, 6000.0)
    assert found["StreamProcessor-HighErrorRate"].period == 10.0
    assert found["StreamProcessor-HighLatency"].threshold == 4000.0
    assert found["Compaction-Errors"].statistic == "Sum"


def test_another_threshold_in_the_file_is_another_alarm(tmp_path: Path) -> None:
    for name in ("alarms.tf", "variables.tf"):
        text = (TERRAFORM / name).read_text()
        (tmp_path / name).write_text(text.replace("(number, 900)", "(number, 1800)"))
    found = {alarm.name: alarm for alarm in alarms(8, tmp_path)}
    assert found["CompactionQueue-OldestMessage"].threshold == 30.0


def test_an_expression_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    for name in ("alarms.tf", "variables.tf"):
        text = (TERRAFORM / name).read_text()
        (tmp_path / name).write_text(text.replace("10 * local.minute", "max(1, 2)"))
    with pytest.raises(ValueError, match="not understood: max"):
        alarms(8, tmp_path)
