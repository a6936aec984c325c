"""The schedule of template.yaml on the local AWS."""

import json
from typing import Any

from local.quick.declared import functions_of
from local.quick.deploy import resolver_for
from local.quick.names import Options
from local.quick.schedules import delete_schedules
from local.quick.template import read_template
from local.stack import Stack
from receipt_sync.keys import Collection
from tests.functional.conftest import LocalAWS


def test_the_compactor_is_invoked_by_its_schedule_with_a_tick(
    aws: LocalAWS, deployed: Stack
) -> None:
    events: Any = aws.clients.client("events")
    rule = events.describe_rule(Name=deployed.names.tick)
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(5 minutes)", "ENABLED")
    (target,) = events.list_targets_by_rule(Rule=deployed.names.tick)["Targets"]
    invoked = aws.clients.lambda_.invoke(
        FunctionName=target["Arn"], Payload=target["Input"].encode()
    )
    answer = json.loads(invoked["Payload"].read())
    assert set(answer) == set(Collection)
    assert all("error" not in one for one in answer.values())


def test_a_schedule_that_is_not_there_may_be_deleted(aws: LocalAWS, stack: Stack) -> None:
    delete_schedules(aws.clients, stack.names)


def test_the_names_are_those_of_the_template(aws: LocalAWS, stack: Stack) -> None:
    template = read_template()
    resolver = resolver_for(template, stack, Options(), aws.state)
    resolver.learn({"StreamProcessorRole.Arn": "arn:1", "CompactorRole.Arn": "arn:2"})
    schedules = functions_of(template, resolver)["CompactorFunction"].schedules
    assert [schedule.name for schedule in schedules] == [stack.names.tick]
    assert json.loads(schedules[0].input) == {"action": "tick"}
