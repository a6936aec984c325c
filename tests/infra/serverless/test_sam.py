"""template.yaml and samconfig.toml are valid and complete, and lose no records."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from samcli.yamlhelper import yaml_parse

from local.quick.names import Names
from local.state import PROJECT
from receipt_sync.settings import CompactorSettings
from tests.infra.serverless.templates import overrides, resources, sam

ENVIRONMENTS = ("default", "local", "dev", "prod")
DEPLOYED = {"default": "dev", "local": "local", "dev": "dev", "prod": "prod"}
"""Section of samconfig.toml → the environment that it deploys to."""

QUEUES = ("compaction-queue", "compaction-dlq", "stream-dlq")
KEYS = ("table", "bucket", "queues", "lambda")
HANDED_OVER = {
    *("table-name", "table-arn", "stream-arn", "bucket"),
    *(f"{queue}-{kind}" for queue in QUEUES for kind in ("arn", "url")),
    *(f"{key}-key-arn" for key in KEYS),
    *(f"{function}-log-group" for function in ("stream-processor", "compactor")),
    *("stream-processor-timeout", "compactor-timeout", "lease-seconds", "heartbeat-seconds"),
}


class Handed(dict[str, str]):
    """SSM parameters whose value is their name."""

    def __missing__(self, name: str) -> str:
        return name


def template() -> dict[str, Any]:
    return dict(yaml_parse((PROJECT / "template.yaml").read_text()))


def deployed(environment: str) -> dict[str, Any]:
    """Return the properties of an environment's resources, by logical id."""
    found = resources(overrides(environment), Handed())
    return {name: resource["Properties"] for name, resource in found.items()}


def test_the_template_is_valid_and_free_of_lint() -> None:
    done = sam("validate", "--lint", "--region", "us-east-1")
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_sees_what_is_wrong(tmp_path: Any) -> None:
    wrong = tmp_path / "template.yaml"
    text = (PROJECT / "template.yaml").read_text()
    wrong.write_text(
        text.replace("Timeout: !Ref CompactorTimeout", "Timeout: !Ref CompactorTimeuot")
    )
    done = sam("validate", "--lint", "--region", "us-east-1", "--template", str(wrong))
    assert done.returncode != 0
    assert "CompactorTimeuot" in done.stdout + done.stderr


@pytest.mark.parametrize("section", ENVIRONMENTS)
def test_every_environment_reads_its_own_parameters_and_no_others(section: str) -> None:
    given, environment = overrides(section), DEPLOYED[section]
    assert given["Environment"] == environment
    paths = {value for value in given.values() if value.startswith("/")}
    assert paths == {f"/receipt-sync/{environment}/{name}" for name in HANDED_OVER}


@pytest.mark.parametrize("section", ENVIRONMENTS)
def test_what_is_given_is_what_the_template_takes(section: str) -> None:
    declared = template()["Parameters"]
    assert set(overrides(section)) <= set(declared)
    unset = {
        name
        for name, definition in declared.items()
        if definition["Type"].startswith("AWS::SSM") and name not in overrides(section)
    }
    assert not unset, "a parameter of another environment would be read"


@pytest.mark.parametrize("section", ENVIRONMENTS)
def test_names_are_those_of_the_environment(section: str) -> None:
    names, found = Names(DEPLOYED[section]), deployed(section)
    assert found["StreamProcessorFunction"]["FunctionName"] == names.stream_processor
    assert found["CompactorFunction"]["FunctionName"] == names.compactor
    variables = found["CompactorFunction"]["Environment"]["Variables"]
    assert variables["COMPACTION_LOCK_ID"] == names.lock_id


def test_times_come_from_where_their_sums_are_checked() -> None:
    compactor = deployed("prod")["CompactorFunction"]
    variables = compactor["Environment"]["Variables"]
    assert compactor["Timeout"] == "/receipt-sync/prod/compactor-timeout"
    assert variables["LEASE_SECONDS"] == "/receipt-sync/prod/lease-seconds"
    assert variables["HEARTBEAT_SECONDS"] == "/receipt-sync/prod/heartbeat-seconds"


def test_a_failing_stream_record_is_never_passed_over_without_a_trace() -> None:
    stream = deployed("prod")["StreamProcessorFunctionStream"]
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert stream["BisectBatchOnFunctionError"] is True
    assert 0 < stream["MaximumRetryAttempts"] <= 10_000, "-1 would retry without a bound"
    assert 3_600 < int(stream["MaximumRecordAgeInSeconds"]) < 86_400, "the stream keeps 24 hours"
    destination = stream["DestinationConfig"]["OnFailure"]["Destination"]
    assert destination == "/receipt-sync/prod/stream-dlq-arn"


def test_the_stream_is_read_by_its_own_arn_and_filtered_on_our_keys() -> None:
    stream = deployed("prod")["StreamProcessorFunctionStream"]
    assert stream["EventSourceArn"] == "/receipt-sync/prod/stream-arn"
    for pattern in patterns(stream["FilterCriteria"]):
        assert pattern["dynamodb"]["Keys"]["PK"] == {"S": [{"prefix": "IMAGE#"}]}
        assert set(pattern["dynamodb"]["Keys"]["SK"]["S"][0]) <= {"prefix", "suffix"}


def test_the_filters_keep_to_what_aws_can_evaluate() -> None:
    found = patterns(deployed("prod")["StreamProcessorFunctionStream"]["FilterCriteria"])
    assert len(found) <= 5, "AWS accepts at most five filters for a mapping"
    for pattern in found:
        assert set(pattern) == {"dynamodb"}, "AWS filters DynamoDB records on this key only"
        for node, value in leaves(pattern):
            if value == [{"exists": False}]:
                assert node in ("S", "N"), "AWS evaluates `exists` at leaves only"


def patterns(criteria: dict[str, Any]) -> list[dict[str, Any]]:
    return [json.loads(entry["Pattern"]) for entry in criteria["Filters"]]


def leaves(node: dict[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for name, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value)
        else:
            yield name, value


def test_the_queue_is_read_in_large_batches_two_at_a_time() -> None:
    queue = deployed("prod")["CompactorFunctionQueue"]
    assert queue["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert int(queue["BatchSize"]) > 10
    assert 1 <= int(queue["MaximumBatchingWindowInSeconds"]) <= 5, "freshness pays for the window"
    assert queue["ScalingConfig"] == {"MaximumConcurrency": 2}


QUEUES_OF = {f"COMPACTION_{name}_URL": "https://sqs.example/queue" for name in ("QUEUE", "DLQ")}
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:chroma-AbCdEf"


@pytest.mark.parametrize(
    ("given", "where", "secret"),
    [
        ({"ChromaTarget": "local"}, {"CHROMA_TARGET": "local"}, None),
        (
            {"ChromaTarget": "http", "ChromaHost": "chroma.example", "ChromaPort": "443"},
            {"CHROMA_HOST": "chroma.example", "CHROMA_PORT": "443", "CHROMA_SSL": "true"},
            "CHROMA_TOKEN",
        ),
        (
            {"ChromaTarget": "cloud", "ChromaTenant": "t", "ChromaDatabase": "d"},
            {"CHROMA_TENANT": "t", "CHROMA_DATABASE": "d"},
            "CHROMA_API_KEY",
        ),
    ],
)
def test_where_chroma_lives_is_a_parameter_and_its_secret_is_read_by_reference(
    given: dict[str, str], where: dict[str, str], secret: str | None
) -> None:
    found = resources({**overrides("prod"), **given, "ChromaSecretArn": SECRET}, Handed())
    variables = found["CompactorFunction"]["Properties"]["Environment"]["Variables"]
    assert variables.items() >= where.items()
    secrets = {name for name in ("CHROMA_TOKEN", "CHROMA_API_KEY") if name in variables}
    assert secrets == ({secret} if secret else set())
    assert {variables[name] for name in secrets} <= {
        "{{resolve:secretsmanager:" + SECRET + ":SecretString}}"
    }
    times = {"LEASE_SECONDS": "60", "HEARTBEAT_SECONDS": "15"}
    assert CompactorSettings.read({**variables, **times, **QUEUES_OF})


def test_mappings_are_disabled_by_parameter_alone() -> None:
    given = {**overrides("prod"), "StreamMappingEnabled": "false", "QueueMappingEnabled": "false"}
    found = resources(given, Handed())
    for name in ("StreamProcessorFunctionStream", "CompactorFunctionQueue"):
        assert found[name]["Properties"]["Enabled"] == "false"
        assert deployed("prod")[name]["Enabled"] == "true"


def test_concurrency_is_reserved_only_where_it_is_asked_for() -> None:
    given = {**overrides("prod"), "CompactorReservedConcurrency": "4"}
    reserving = resources(given, Handed())["CompactorFunction"]["Properties"]
    assert reserving["ReservedConcurrentExecutions"] == "4"
    assert "ReservedConcurrentExecutions" not in deployed("prod")["CompactorFunction"]


@pytest.mark.parametrize("function", ["StreamProcessorFunction", "CompactorFunction"])
def test_functions_are_traced_logged_as_json_and_encrypted(function: str) -> None:
    properties = deployed("prod")[function]
    assert properties["Runtime"] == "python3.12"
    assert properties["Architectures"] == ["x86_64"]
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["KmsKeyArn"] == "/receipt-sync/prod/lambda-key-arn"
    logging = properties["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    assert logging["LogGroup"].startswith("/receipt-sync/prod/")
    assert "AWS_ENDPOINT_URL" not in properties["Environment"]["Variables"]


def test_the_compactor_reads_the_circuit_of_the_chroma_server_beside_its_locks() -> None:
    (locks,) = [s for s in statements("CompactorRole") if "dynamodb:GetItem" in s["Action"]]
    assert locks["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["LOCK#*"]}}


def test_the_compactor_writes_to_the_table_its_locks_alone() -> None:
    writes = [
        statement
        for statement in statements("CompactorRole")
        if any(action.startswith("dynamodb:") for action in statement["Action"])
        and set(statement["Action"]) - {"dynamodb:BatchGetItem", "dynamodb:Query"}
    ]
    (write,) = writes
    assert write["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["LOCK#*"]}}


def test_the_stream_processor_sends_to_two_queues_and_writes_nothing_else() -> None:
    sends = [s for s in statements("StreamProcessorRole") if "sqs:SendMessage" in s["Action"]]
    assert [s["Resource"] for s in sends] == [
        ["/receipt-sync/prod/compaction-queue-arn", "/receipt-sync/prod/stream-dlq-arn"]
    ]
    actions = {a for s in statements("StreamProcessorRole") for a in s["Action"]}
    assert not {a for a in actions if a.startswith(("s3:", "dynamodb:Put", "dynamodb:Update"))}


@pytest.mark.parametrize("role", ["StreamProcessorRole", "CompactorRole"])
def test_a_wildcard_stands_only_where_actions_know_no_resources(role: str) -> None:
    assert "ManagedPolicyArns" not in deployed("prod")[role]
    for statement in statements(role):
        assert not [action for action in statement["Action"] if "*" in action]
        if statement["Resource"] == ["*"]:
            known = {"dynamodb:ListStreams", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}
            assert set(statement["Action"]) <= known


def statements(role: str) -> list[dict[str, Any]]:
    (policy,) = deployed("prod")[role]["Policies"]
    return list(json.loads(json.dumps(policy["PolicyDocument"]["Statement"])))
