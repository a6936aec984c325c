"""The schedules: rules of EventBridge that invoke a function at times."""

from contextlib import suppress
from typing import Final

from local.clients import Clients
from local.quick.declared import Schedule
from local.quick.names import Names

_TARGET: Final = "function"


def ensure_schedule(clients: Clients, schedule: Schedule, function: str, arn: str) -> None:
    """Create or update a rule that invokes a function, and allow the rule to do so."""
    events, lambda_ = clients.client("events"), clients.lambda_
    rule = events.put_rule(
        Name=schedule.name,
        Description=schedule.description,
        ScheduleExpression=schedule.expression,
    )
    with suppress(lambda_.exceptions.ResourceConflictException):  # It is allowed already.
        lambda_.add_permission(
            FunctionName=function,
            StatementId=schedule.name,
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule["RuleArn"],
        )
    target = {
        "Id": _TARGET,
        "Arn": arn,
        "Input": schedule.input,
        "RetryPolicy": dict(schedule.retry_policy),
    }
    events.put_targets(Rule=schedule.name, Targets=[target])


def delete_schedules(clients: Clients, names: Names) -> None:
    """Delete the rules that invoke the compactor, if they exist."""
    events = clients.client("events")
    with suppress(events.exceptions.ResourceNotFoundException):
        events.remove_targets(Rule=names.tick, Ids=[_TARGET])
        events.delete_rule(Name=names.tick)
