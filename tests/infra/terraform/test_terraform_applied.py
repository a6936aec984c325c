"""Applies terraform/ to a local AWS, plans again, compares with the quick form, and destroys.

All tests here share one apply, because it takes a minute. The last test destroys.
"""

from collections.abc import Iterator
from typing import Any, Final

import boto3
import pytest

from local.clients import Clients
from local.deployed.handover import handed_over
from local.quick.log_groups import RETENTION_DAYS, log_group
from local.quick.names import Names
from local.running import running
from local.stack import Stack
from tests.infra.terraform.described import described
from tests.infra.terraform.runs import Plan, Workspace, needs_terraform

pytestmark = [needs_terraform, pytest.mark.long]

ACCOUNT: Final = "000000000000"
WITH_A_BUDGET: Final = ("-var=monthly_budget=50", '-var=alarm_emails=["one@example.com"]')
"""Variables that local.tfvars does not set, and that the emulator supports."""

LOST_BY_THE_EMULATOR: Final = {
    "actions_enabled",
    "alarm_actions",
    "alarm_description",
    "dimensions",
    "extended_statistic",
    "ok_actions",
    "period",
    "statistic",
    "tags",
    "treat_missing_data",
}
"""MiniStack 1.5.33 omits these fields for Terraform's provider, but not for boto3."""


@pytest.fixture(scope="module")
def plan(workspace: Workspace) -> Plan:
    return workspace.plan("local", *WITH_A_BUDGET)


@pytest.fixture(scope="module")
def applied(workspace: Workspace, plan: Plan) -> Plan:
    """Apply the plan, and return it."""
    workspace.done("apply", "tfplan")
    return plan


@pytest.fixture(scope="module")
def clients(empty_aws: str) -> Clients:
    return Clients(empty_aws)


@pytest.fixture(scope="module")
def stack(applied: Plan, clients: Clients) -> Stack:
    """Return the stack that the SSM parameters describe."""
    return handed_over(clients, Names())


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Yield the stack of the quick provisioning on another local AWS."""
    with running(tmp_path_factory.mktemp("quick") / "state", deploy=False) as stack:
        yield stack


def test_a_second_plan_changes_nothing_but_what_the_emulator_reads_back_wrongly(
    workspace: Workspace, applied: Plan
) -> None:
    changes = workspace.plan("local", *WITH_A_BUDGET).changes()
    alarms = applied.of("aws_cloudwatch_metric_alarm")
    assert set(changes) <= set(alarms)
    assert set().union(*changes.values()) <= LOST_BY_THE_EMULATOR


def test_alarms_are_there_as_they_were_planned(applied: Plan, clients: Clients) -> None:
    there = {
        alarm["AlarmName"]: alarm
        for alarm in clients.client("cloudwatch").describe_alarms()["MetricAlarms"]
    }
    planned = applied.of("aws_cloudwatch_metric_alarm").values()
    assert {name: _watched(alarm) for name, alarm in there.items()} == {
        alarm["alarm_name"]: _planned(alarm) for alarm in planned
    }
    (topic,) = clients.client("sns").list_topics()["Topics"]
    for alarm in there.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [topic["TopicArn"]]
        assert alarm["ActionsEnabled"]


def test_the_quick_provisioning_makes_the_same(
    stack: Stack, clients: Clients, quick: Stack
) -> None:
    assert described(clients, stack) == described(quick.clients(), quick)


def test_log_groups_are_those_of_the_quick_deployment_but_encrypted(
    stack: Stack, clients: Clients
) -> None:
    names = {log_group(stack.names.stream_processor), log_group(stack.names.compactor)}
    groups = clients.logs.describe_log_groups()["logGroups"]
    assert {group["logGroupName"] for group in groups} == names
    assert {group["retentionInDays"] for group in groups} == {RETENTION_DAYS}
    assert all(group["kmsKeyId"] for group in groups)


def test_the_budget_notifies_the_topic(applied: Plan, clients: Clients) -> None:
    """The budget warns at 80 % of actual costs and at 100 % of forecast costs."""
    client = budgets_of(clients)
    (budget,) = client.describe_budgets(AccountId=ACCOUNT)["Budgets"]
    assert (budget["BudgetLimit"], budget["TimeUnit"]) == (
        {"Amount": "50.0", "Unit": "USD"},
        "MONTHLY",
    )
    of_budget = {"AccountId": ACCOUNT, "BudgetName": budget["BudgetName"]}
    notifications = client.describe_notifications_for_budget(**of_budget)["Notifications"]
    thresholds = {one["NotificationType"]: one["Threshold"] for one in notifications}
    assert thresholds == {"ACTUAL": 80, "FORECASTED": 100}
    (topic,) = clients.client("sns").list_topics()["Topics"]
    for notification in notifications:
        found = client.describe_subscribers_for_notification(**of_budget, Notification=notification)
        assert found["Subscribers"] == [
            {"SubscriptionType": "SNS", "Address": topic["TopicArn"]},
        ]


def test_nothing_is_left_after_a_destroy_though_there_is_data(
    workspace: Workspace, stack: Stack, clients: Clients
) -> None:
    item = {"PK": {"S": "IMAGE#1"}, "SK": {"S": "RECEIPT#00001#METADATA"}}
    clients.dynamodb.put_item(TableName=stack.names.table, Item=item)
    for body in (b"one", b"two"):
        clients.s3.put_object(Bucket=stack.names.bucket, Key="deltas/receipt_lines/1", Body=body)
    workspace.done("destroy", "-auto-approve", "-var-file=environments/local.tfvars")
    assert _left(clients) == {}


def _watched(alarm: dict[str, Any]) -> tuple[Any, ...]:
    return (
        alarm["Namespace"],
        alarm["MetricName"],
        {one["Name"]: one["Value"] for one in alarm["Dimensions"]},
        alarm.get("ExtendedStatistic") or alarm["Statistic"],
        alarm["Period"],
        alarm["EvaluationPeriods"],
        alarm["Threshold"],
        alarm["ComparisonOperator"],
        alarm["TreatMissingData"],
    )


def _planned(alarm: dict[str, Any]) -> tuple[Any, ...]:
    return (
        alarm["namespace"],
        alarm["metric_name"],
        alarm["dimensions"],
        alarm["extended_statistic"] or alarm["statistic"],
        alarm["period"],
        alarm["evaluation_periods"],
        alarm["threshold"],
        alarm["comparison_operator"],
        alarm["treat_missing_data"],
    )


def budgets_of(clients: Clients) -> Any:
    """Return a client of a service that localstack-client does not know."""
    return boto3.client("budgets", endpoint_url=clients.endpoint)


def _left(clients: Clients) -> dict[str, Any]:
    """Return the remaining resources of an account, without keys that await their deletion."""
    kms = clients.kms
    keys = [kms.describe_key(KeyId=key["KeyId"]) for key in kms.list_keys()["Keys"]]
    found = {
        "tables": clients.dynamodb.list_tables()["TableNames"],
        "queues": clients.sqs.list_queues().get("QueueUrls", []),
        "buckets": clients.s3.list_buckets()["Buckets"],
        "topics": clients.client("sns").list_topics()["Topics"],
        "alarms": clients.client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": clients.client("cloudwatch").list_dashboards()["DashboardEntries"],
        "log groups": clients.logs.describe_log_groups()["logGroups"],
        "parameters": clients.ssm.describe_parameters()["Parameters"],
        "aliases": kms.list_aliases()["Aliases"],
        "keys": [key for key in keys if key["KeyMetadata"]["KeyState"] != "PendingDeletion"],
        "budgets": budgets_of(clients).describe_budgets(AccountId=ACCOUNT).get("Budgets"),
    }
    return {kind: left for kind, left in found.items() if left}
