"""Where names and endpoints come from, and that local and real ones never mix."""

import json
from pathlib import Path

import pytest
from botocore.exceptions import NoRegionError

from receipt_ops.connection import complete_environment, connect
from receipt_sync.errors import SettingsError

NAMED = {
    "DYNAMODB_TABLE": "receipts",
    "COMPACTION_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/q",
    "SNAPSHOT_BUCKET": "bucket",
}
LOCAL = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4599",
    "DYNAMODB_TABLE": "local-table",
    "COMPACTION_QUEUE_URL": "http://127.0.0.1:4599/000000000000/local-queue",
    "SNAPSHOT_BUCKET": "local-bucket",
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "stack.json"
    path.write_text(json.dumps({"environment": LOCAL}))
    return path


def test_an_environment_that_names_everything_is_taken_as_it_is(state: Path) -> None:
    assert complete_environment(NAMED, state) == NAMED


def test_an_environment_that_names_nothing_gets_the_local_aws(state: Path) -> None:
    complete = complete_environment({"HOME": "/root"}, state)
    assert complete == {"HOME": "/root", **LOCAL}


@pytest.mark.parametrize("missing", NAMED)
def test_a_half_set_environment_is_refused_and_not_filled_up(state: Path, missing: str) -> None:
    half = {name: value for name, value in NAMED.items() if name != missing}
    with pytest.raises(SettingsError, match=f"^{missing} must be set"):
        complete_environment(half, state)


def test_an_empty_value_is_an_unset_one(state: Path) -> None:
    with pytest.raises(SettingsError, match="SNAPSHOT_BUCKET must be set"):
        complete_environment({**NAMED, "SNAPSHOT_BUCKET": ""}, state)


def test_another_endpoint_than_the_local_one_is_refused(state: Path) -> None:
    with pytest.raises(SettingsError, match="http://other:1, but the local AWS runs at"):
        complete_environment({"AWS_ENDPOINT_URL": "http://other:1"}, state)
    same = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4599/"}
    assert complete_environment(same, state)["DYNAMODB_TABLE"] == "local-table"


def test_without_names_and_without_a_local_aws_it_says_how_to_get_either(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"are not set and no local AWS runs.*make up"):
        complete_environment({}, tmp_path / "stack.json")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"environment": {}}'])
def test_a_state_file_of_something_else_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stack.json"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"stack\.json is not the state"):
        complete_environment({}, path)


def test_clients_of_a_local_aws_go_to_its_endpoint_and_nowhere_else(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://elsewhere:1")
    connection = connect({}, state)
    assert connection.endpoint == LOCAL["AWS_ENDPOINT_URL"]
    for client in (connection.dynamodb, connection.s3, connection.sqs):
        assert client.meta.endpoint_url == LOCAL["AWS_ENDPOINT_URL"]
    assert connection.names == ("local-table", LOCAL["COMPACTION_QUEUE_URL"], "local-bucket")


def test_without_an_endpoint_clients_go_to_aws(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    connection = connect(NAMED, state)
    assert connection.endpoint is None
    assert connection.dynamodb.meta.endpoint_url == "https://dynamodb.eu-west-1.amazonaws.com"


@pytest.mark.parametrize("endpoint", ["nonsense", "127.0.0.1:4566", "http://"])
@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
def test_an_endpoint_that_is_no_url_is_refused_with_its_name(
    variable: str, endpoint: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**NAMED, "AWS_REGION": "eu-west-1", variable: endpoint}
    monkeypatch.setenv(variable, endpoint)
    with pytest.raises(SettingsError, match="AWS_ENDPOINT_URL, or the variable of that service"):
        connect(environment, state)


@pytest.mark.parametrize("endpoint", ["ftp://127.0.0.1", "http://a:99999", "http://a:b"])
def test_an_endpoint_that_no_client_can_call_is_refused_at_once(endpoint: str, state: Path) -> None:
    """The port ended a command in an unexpected ValueError, in the middle of its work."""
    environment = {**NAMED, "AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL": endpoint}
    with pytest.raises(SettingsError, match=f"Invalid endpoint: {endpoint}"):
        connect(environment, state)


@pytest.mark.parametrize("blank", ["", " ", "\n"])
def test_a_blank_region_is_no_region(
    blank: str, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice was to correct the endpoint, because botocore takes a blank name for a region."""
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", blank)
    with pytest.raises(NoRegionError):
        connect({**NAMED, "AWS_REGION": blank, "AWS_DEFAULT_REGION": blank}, state)


@pytest.mark.parametrize("value", ["abc", "1.5", "", "-1"])
@pytest.mark.parametrize(
    "variable",
    ["AWS_MAX_ATTEMPTS", "AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS"],
)
def test_a_number_of_the_sdk_that_is_none_is_refused_with_the_name_of_its_variable(
    variable: str, value: str, state: Path
) -> None:
    """It ended a command in an unexpected ValueError, or with advice about the endpoint."""
    with pytest.raises(SettingsError, match=f"{variable} is '{value}', not a whole number"):
        connect({variable: value}, state)


def test_an_endpoint_of_a_service_that_few_commands_need_is_refused_too(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", "nonsense")
    connection = connect({**NAMED, "AWS_REGION": "eu-west-1"}, state)
    with pytest.raises(SettingsError, match=r"nonsense.*or the variable of that service"):
        connection.client("lambda")
