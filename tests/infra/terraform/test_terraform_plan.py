"""The plans of each environment: names, policies, and metrics that the functions emit."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest

import compactor.handler
import stream_processor.handler
from local.quick.log_groups import log_group
from local.quick.names import Names
from local.state import PROJECT
from receipt_sync.telemetry import Metric
from tests.infra.policies import faults
from tests.infra.serverless.templates import overrides
from tests.infra.terraform.runs import ENVIRONMENTS, Plan, Workspace, needs_terraform

pytestmark = needs_terraform

# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
METRICS_OF_AWS: Final = {
    "AWS/SQS": {
        "ApproximateAgeOfOldestMessage",
        "ApproximateNumberOfMessagesDelayed",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesVisible",
        "NumberOfEmptyReceives",
        "NumberOfMessagesDeleted",
        "NumberOfMessagesReceived",
        "NumberOfMessagesSent",
        "SentMessageSize",
    },
    "AWS/Lambda": {
        "AsyncEventAge",
        "AsyncEventsDropped",
        "AsyncEventsReceived",
        "ConcurrentExecutions",
        "DeadLetterErrors",
        "DestinationDeliveryFailures",
        "Duration",
        "Errors",
        "Invocations",
        "IteratorAge",
        "OffsetLag",
        "PostRuntimeExtensionsDuration",
        "ProvisionedConcurrencyInvocations",
        "ProvisionedConcurrencySpilloverInvocations",
        "ProvisionedConcurrencyUtilization",
        "ProvisionedConcurrentExecutions",
        "RecursiveInvocationsDropped",
        "Throttles",
        "UnreservedConcurrentExecutions",
    },
}
KEY: Final = "arn:aws:kms:us-east-1:000000000000:key/6f0f3c2e-3a0f-4b0a-8a53-3f0e3b3c2a11"

Watched = tuple[str, str, tuple[tuple[str, str], ...]]
"""A metric: its namespace, its name and its dimensions."""


@pytest.fixture(params=ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def plan(workspace: Workspace, environment: str) -> Plan:
    return workspace.first_plan(environment)


@pytest.fixture
def names(environment: str) -> Names:
    return Names(environment)


def test_the_environments_are_those_that_sam_deploys() -> None:
    assert ENVIRONMENTS == ("dev", "local", "prod")


def test_everything_is_called_what_the_rest_of_the_project_calls_it(
    plan: Plan, names: Names
) -> None:
    assert plan.the("aws_dynamodb_table")["name"] == names.table
    assert {queue["name"] for queue in plan.of("aws_sqs_queue").values()} == {
        names.compaction_queue,
        names.compaction_dlq,
        names.stream_dlq,
    }
    assert plan.the("aws_s3_bucket")["bucket"] == names.bucket
    assert {group["name"] for group in plan.of("aws_cloudwatch_log_group").values()} == {
        log_group(names.stream_processor),
        log_group(names.compactor),
    }
    assert {alias["name"] for alias in plan.of("aws_kms_alias").values()} == {
        names.key_alias(purpose)
        for purpose in ("table", "bucket", "queues", "functions", "logs", "topic")
    }


def test_sam_reads_every_parameter_and_no_other(plan: Plan, names: Names) -> None:
    handed = {parameter["name"] for parameter in plan.of("aws_ssm_parameter").values()}
    read = {value for value in overrides(names.environment).values() if value.startswith("/")}
    assert read == handed


def test_iam_understands_every_policy(plan: Plan) -> None:
    allowing = {
        address: [statement | meant(statement) for statement in statements(policy, "Allow")]
        for address, policy in plan.policies().items()
    }
    assert sum(map(len, allowing.values())) > 10
    found = {address: faults({"Statement": listed}) for address, listed in allowing.items()}
    assert not any(found.values()), found


def test_what_iam_would_not_understand_is_seen(workspace: Workspace) -> None:
    policy = workspace.first_plan("prod").policies()['aws_kms_key.this["logs"]']
    (use,) = (one for one in statements(policy, "Allow") if "Condition" in one)
    wrong = use | meant(use) | {"Action": ["kms:Decrypt", "kms:DescribeKey", "kms:Read"]}
    assert faults({"Statement": [wrong]}) == [
        "kms:EncryptionContext:aws:logs:arn is no condition key of kms:DescribeKey",
        "kms:Read is no action of IAM",
    ]


def test_no_statement_allows_anything_without_a_name_or_a_condition(
    plan: Plan, names: Names
) -> None:
    for address, policy in plan.policies().items():
        for statement in statements(policy, "Allow"):
            principal = statement["Principal"]
            assert principal != "*", address
            if statement["Sid"] == "AdministerThroughIAM":
                assert principal == {"AWS": "arn:aws:iam::000000000000:root"}
            else:
                assert statement["Condition"], (address, statement["Sid"])


def test_a_deny_is_the_only_thing_said_to_everyone(plan: Plan) -> None:
    denials = [
        statement for policy in plan.policies().values() for statement in statements(policy, "Deny")
    ]
    assert [statement["Sid"] for statement in denials] == ["TLSOnly"]


def test_alarms_and_dashboard_watch_metrics_that_exist(plan: Plan) -> None:
    for namespace, metric, _ in {*alarmed(plan), *drawn(plan)}:
        known = METRICS_OF_AWS.get(namespace) or measured_in(namespace)
        assert metric in known, f"{namespace} {metric}"


def test_our_metrics_are_watched_under_the_dimensions_that_they_are_emitted_with(
    plan: Plan, emitted_dimensions: Mapping[str, tuple[tuple[str, str], ...]]
) -> None:
    watched = {*alarmed(plan), *drawn(plan)}
    ours = {(space, dimensions) for space, _, dimensions in watched if space.startswith("Chroma")}
    assert ours == set(emitted_dimensions.items())


def test_metrics_of_aws_are_watched_on_resources_that_are_there(plan: Plan, names: Names) -> None:
    there = {
        "QueueName": {queue["name"] for queue in plan.of("aws_sqs_queue").values()},
        "FunctionName": {names.stream_processor, names.compactor},
    }
    for namespace, _, dimensions in {*alarmed(plan), *drawn(plan)}:
        if namespace in METRICS_OF_AWS:
            ((dimension, value),) = dimensions
            assert value in there[dimension]


def test_functions_are_watched_for_what_can_go_wrong_with_each(plan: Plan, names: Names) -> None:
    watched = {(metric, dict(dimensions)["FunctionName"]) for metric, dimensions in lambdas(plan)}
    assert watched == {
        ("Errors", names.stream_processor),
        ("Throttles", names.stream_processor),
        ("IteratorAge", names.stream_processor),
        ("Errors", names.compactor),
        ("Throttles", names.compactor),
    }


def test_recent_errors_are_looked_for_where_functions_log(plan: Plan, names: Names) -> None:
    (log,) = (widget for widget in widgets(plan) if widget["type"] == "log")
    for function in (names.stream_processor, names.compactor):
        assert f"SOURCE '{log_group(function)}'" in log["properties"]["query"]


def test_data_of_prod_is_protected(workspace: Workspace) -> None:
    plan = workspace.first_plan("prod")
    assert plan.the("aws_dynamodb_table")["deletion_protection_enabled"] is True
    assert plan.the("aws_s3_bucket")["force_destroy"] is False


@pytest.mark.parametrize("kind", ["variables", "outputs"])
def test_the_readme_lists_what_goes_in_and_what_comes_out(workspace: Workspace, kind: str) -> None:
    expected = table(workspace.first_plan("prod").content["configuration"]["root_module"][kind])
    assert expected in (PROJECT / "terraform/README.md").read_text(), f"\n{expected}"


@pytest.fixture
def emitted_dimensions(
    environment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[dict[str, tuple[tuple[str, str], ...]]]:
    """Yield namespace → the dimensions that the handlers' telemetry writes."""
    monkeypatch.setenv("ENVIRONMENT", environment)
    for name in ("COMPACTION_QUEUE_URL", "COMPACTION_DLQ_URL", "STREAM_DLQ_URL"):
        monkeypatch.setenv(name, "http://queue")
    for name in ("DYNAMODB_TABLE", "SNAPSHOT_BUCKET"):
        monkeypatch.setenv(name, "name")
    handlers = (stream_processor.handler, compactor.handler)
    _forget(handlers)
    for handler in handlers:
        telemetry = handler._telemetry()
        telemetry.measure(Metric.RECORDS_PARKED, 1)
        telemetry.metrics.flush_metrics()
        telemetry.metrics.default_dimensions.clear()  # Powertools keeps them for the process
        telemetry.metrics.dimension_set.clear()
    yield dict(_emf(line) for line in capsys.readouterr().out.splitlines())
    _forget(handlers)


def _forget(handlers: tuple[Any, ...]) -> None:
    for handler in handlers:
        handler._settings.cache_clear()
        handler._telemetry.cache_clear()


def _emf(line: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    content = json.loads(line)
    (directive,) = content["_aws"]["CloudWatchMetrics"]
    (dimensions,) = directive["Dimensions"]
    return directive["Namespace"], tuple((name, content[name]) for name in dimensions)


def statements(policy: Mapping[str, Any], effect: str) -> list[dict[str, Any]]:
    return [statement for statement in policy["Statement"] if statement["Effect"] == effect]


def meant(statement: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key as the resource if a key's policy says `*`, which means that key."""
    return {"Resource": KEY} if statement["Resource"] == "*" else {}


def measured_in(namespace: str) -> set[str]:
    """Return the metrics that the code of a namespace's function emits."""
    package = {"ChromaDB/StreamProcessor": "stream_processor", "ChromaDB/Compaction": "compactor"}
    sources = (PROJECT / "src" / package[namespace]).rglob("*.py")
    code = "\n".join(path.read_text() for path in sources)
    return {metric.value for metric in Metric if f"Metric.{metric.name}" in code}


def alarmed(plan: Plan) -> Iterator[Watched]:
    for alarm in plan.of("aws_cloudwatch_metric_alarm").values():
        dimensions = tuple(alarm["dimensions"].items())
        yield alarm["namespace"], alarm["metric_name"], dimensions


def lambdas(plan: Plan) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    for namespace, metric, dimensions in alarmed(plan):
        if namespace == "AWS/Lambda":
            yield metric, dimensions


def widgets(plan: Plan) -> list[dict[str, Any]]:
    return list(json.loads(plan.the("aws_cloudwatch_dashboard")["dashboard_body"])["widgets"])


def drawn(plan: Plan) -> Iterator[Watched]:
    for widget in widgets(plan):
        for namespace, metric, *rest in widget["properties"].get("metrics", []):
            texts = [one for one in rest if isinstance(one, str)]
            yield namespace, metric, tuple(zip(texts[::2], texts[1::2], strict=True))


def table(declared: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the Markdown table of variables or outputs, as README.md holds it."""
    rows = [f"| `{name}` | {one['description']} |{default(one)}" for name, one in declared.items()]
    return "\n".join(rows)


def default(declared: Mapping[str, Any]) -> str:
    """Return the last column of a variable's row. Outputs have none."""
    if "expression" in declared:
        return ""
    return f" `{json.dumps(declared['default'])}` |" if "default" in declared else " |"
