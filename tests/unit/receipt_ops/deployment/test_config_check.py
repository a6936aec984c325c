"""The rules of `check-config` between settings of different services."""

from dataclasses import replace
from typing import Any

import pytest

from receipt_ops.deployment.config_check import DAY, Facts, checks
from receipt_ops.deployment.config_tasks import facts_of
from tests.unit.receipt_ops.deployed_system import RIGHT, doubled


def test_a_second_mapping_breaks_a_rule() -> None:
    aws = doubled("Disabled")
    aws.attributes |= {"VisibilityTimeout": "180", "MessageRetentionPeriod": "345600"}
    facts = facts_of(aws.deployment(), {})
    (found,) = (check for check in checks(facts) if check.name == "mappings")
    assert not found.ok
    assert "uuid-2 (Disabled, compactor:live)" in found.found


def broken(facts: Facts) -> list[str]:
    return [check.name for check in checks(facts) if not check.ok]


def test_settings_that_fit_each_other_break_no_rule() -> None:
    assert broken(RIGHT) == []
    assert all(check.remedy and check.rule and check.found for check in checks(RIGHT))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"compactor_timeout": 301}, ["visibility"]),
        ({"compactor_timeout": 60}, ["timeout"]),
        ({"queue": {**RIGHT.queue, "MessageRetentionPeriod": "9000"}}, ["retention"]),
        ({"queue": {**RIGHT.queue, "RedrivePolicy": '{"maxReceiveCount": 3}'}}, ["receives"]),
        ({"compaction_dlq": {"MessageRetentionPeriod": str(4 * DAY)}}, ["compaction dead letters"]),
        ({"stream_dlq": {"MessageRetentionPeriod": "3600"}}, ["stream dead letters"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "DestinationConfig": {}}},
         ["failure destination"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "MaximumRecordAgeInSeconds": -1}},
         ["record age"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "MaximumRecordAgeInSeconds": DAY}},
         ["record age"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "FunctionResponseTypes": []}},
         ["stream failures"]),
        ({"stream_mapping": {**RIGHT.stream_mapping, "FilterCriteria": None}}, ["filter"]),
        ({"queue_mapping": {}}, ["queue failures", "concurrency"]),
        ({"compactor": {"LEASE_SECONDS": "30", "HEARTBEAT_SECONDS": "15"}}, ["heartbeat"]),
        ({"compactor": {"LEASE_SECONDS": "400"}}, ["timeout"]),
        ({"snapshot_bytes": 2 * 2**30}, ["storage"]),
        ({"doubled": ["queue: two"]}, ["mappings"]),
        ({"compactor": {"LEASE_SECONDS": "a minute"}}, ["variables"]),
        ({"compactor": {"HEARTBEAT_SECONDS": "15s"}}, ["variables"]),
        ({"compactor": {"HEARTBEAT_SECONDS": "nan"}}, ["variables"]),
    ],
)  # fmt: skip
def test_every_sum_that_does_not_hold_is_found(change: dict[str, Any], names: list[str]) -> None:
    assert broken(replace(RIGHT, **change)) == names


def test_rules_that_need_no_variables_are_checked_without_them() -> None:
    assert broken(replace(RIGHT, compactor="they can't be read")) == ["variables"]
