"""The environment: what is wrong with it is said in a sentence that names the variable."""

import traceback

import pytest

from receipt_sync.errors import SettingsError
from receipt_sync.keys import EntityType
from receipt_sync.settings import ChromaSettings, CompactorSettings, StreamProcessorSettings

STREAM = {
    "ENVIRONMENT": "test",
    "COMPACTION_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/compaction",
    "STREAM_DLQ_URL": "http://127.0.0.1:4566/1/dead",
    "DYNAMODB_TABLE": "receipts",
}
COMPACTOR = {
    "ENVIRONMENT": "test",
    "COMPACTION_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/1/compaction",
    "COMPACTION_DLQ_URL": "https://sqs.eu-west-1.amazonaws.com/1/dead",
    "DYNAMODB_TABLE": "receipts",
    "SNAPSHOT_BUCKET": "snapshots",
}


def test_what_must_be_set_suffices_and_all_entities_are_enabled() -> None:
    settings = StreamProcessorSettings.read(STREAM)
    assert settings.compaction_queue_url == STREAM["COMPACTION_QUEUE_URL"]
    assert settings.log_level == "INFO"
    assert settings.enabled_types == set(EntityType)


@pytest.mark.parametrize("name", ["METADATA", "LINE", "WORD"])
@pytest.mark.parametrize("text", ["false", "False", "0", "no", "off"])
def test_each_entity_can_be_disabled(name: str, text: str) -> None:
    settings = StreamProcessorSettings.read({**STREAM, f"ENABLE_{name}_UPDATES": text})
    assert set(EntityType) - settings.enabled_types == {EntityType[name]}


def test_the_compactor_has_the_designs_defaults() -> None:
    settings = CompactorSettings.read(COMPACTOR)
    assert settings.compaction_lock_id == "chroma-main-snapshot"
    assert (settings.lease_seconds, settings.heartbeat_seconds) == (60, 15)
    assert (settings.max_delete_share, settings.max_delete_floor) == (0.1, 1000)
    assert settings.slice_bytes == 256 * 2**20
    assert (settings.chroma_port, settings.chroma_ssl) == (8000, False)


def test_the_process_environment_is_read_by_the_same_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**STREAM, "LOG_LEVEL": "DEBUG"}.items():
        monkeypatch.setenv(name, value)
    assert StreamProcessorSettings.read() == StreamProcessorSettings.read(
        {**STREAM, "LOG_LEVEL": "DEBUG"}
    )


@pytest.mark.parametrize("name", STREAM)
def test_a_missing_variable_of_the_stream_processor_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not set: set it on the function"):
        StreamProcessorSettings.read({n: v for n, v in STREAM.items() if n != name})


@pytest.mark.parametrize("name", COMPACTOR)
def test_a_missing_variable_of_the_compactor_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is not set: set it on the function"):
        CompactorSettings.read({n: v for n, v in COMPACTOR.items() if n != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPACTION_QUEUE_URL", ""),
        ("COMPACTION_QUEUE_URL", "compaction"),
        ("STREAM_DLQ_URL", "arn:aws:sqs:eu-west-1:1:dead"),
        ("DYNAMODB_TABLE", "  "),
        ("LOG_LEVEL", "LOUD"),
        ("ENABLE_METADATA_UPDATES", "perhaps"),
        ("ENABLE_LINE_UPDATES", ""),
        ("ENABLE_WORD_UPDATES", "2"),
    ],
)
def test_a_wrong_variable_of_the_stream_processor_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^environment variable {name}: \w"):
        StreamProcessorSettings.read({**STREAM, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPACTION_QUEUE_URL", "compaction"),
        ("COMPACTION_DLQ_URL", "x y"),
        ("SNAPSHOT_BUCKET", ""),
        ("COMPACTION_LOCK_ID", ""),
        ("LEASE_SECONDS", "0"),
        ("LEASE_SECONDS", "901"),
        ("LEASE_SECONDS", "a minute"),
        ("HEARTBEAT_SECONDS", "-1"),
        ("MAX_DELETE_SHARE", "1.5"),
        ("MAX_DELETE_FLOOR", "-1"),
        ("SNAPSHOT_RETENTION_SECONDS", "-1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "127"),
        ("SLICE_MEMORY_SHARE", "0"),
        ("SLICE_MEMORY_SHARE", "0.51"),
        ("CHROMA_PORT", "65536"),
        ("CHROMA_TIMEOUT_SECONDS", "900.1"),
    ],
)
def test_a_wrong_variable_of_the_compactor_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^environment variable {name}: \w"):
        CompactorSettings.read({**COMPACTOR, name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LEASE_SECONDS", "0.9"),
        ("LEASE_SECONDS", "900"),
        ("HEARTBEAT_SECONDS", "0.1"),
        ("MAX_DELETE_SHARE", "0.01"),
        ("MAX_DELETE_SHARE", "1"),
        ("MAX_DELETE_FLOOR", "0"),
        ("SNAPSHOT_RETENTION_SECONDS", "0"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("SLICE_MEMORY_SHARE", "0.01"),
        ("SLICE_MEMORY_SHARE", "0.5"),
        ("CHROMA_PORT", "1"),
        ("CHROMA_PORT", "65535"),
        ("CHROMA_TIMEOUT_SECONDS", "0.5"),
        ("CHROMA_TIMEOUT_SECONDS", "900"),
    ],
)
def test_a_limit_itself_is_still_accepted(name: str, value: str) -> None:
    """The pages say of which size a value may be. A test environment uses the small ones."""
    settings = CompactorSettings.read({**COMPACTOR, "HEARTBEAT_SECONDS": "0.4", name: value})
    assert getattr(settings, name.lower()) == float(value)


def test_a_lease_that_two_heartbeats_outlive_is_refused_naming_both() -> None:
    with pytest.raises(SettingsError, match=r"LEASE_SECONDS must be more than twice HEARTBEAT"):
        CompactorSettings.read({**COMPACTOR, "LEASE_SECONDS": "30", "HEARTBEAT_SECONDS": "15"})


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        StreamProcessorSettings.read({"LOG_LEVEL": "LOUD"})
    for name in (*STREAM, "LOG_LEVEL"):
        assert name in str(raised.value)


def test_settings_do_not_change_after_they_were_read() -> None:
    settings = StreamProcessorSettings.read(STREAM)
    with pytest.raises(ValueError, match="frozen"):
        settings.dynamodb_table = "another"  # type: ignore[misc]


def test_without_a_word_the_target_is_a_directory() -> None:
    settings = CompactorSettings.read(COMPACTOR)
    assert settings.chroma_target == "local"


def test_variables_of_a_server_that_sam_local_leaves_empty_are_unset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [name.upper() for name in ChromaSettings.model_fields if name.startswith("chroma_")]
    empty = dict.fromkeys(names, "")
    expected = CompactorSettings.read(COMPACTOR)
    assert CompactorSettings.read({**COMPACTOR, **empty}) == expected
    for name, value in {**COMPACTOR, **empty}.items():
        monkeypatch.setenv(name, value)
    assert CompactorSettings.read() == expected


@pytest.mark.parametrize(
    ("environment", "unset"),
    [
        ({"CHROMA_TARGET": "http"}, "CHROMA_TARGET=http needs CHROMA_HOST"),
        ({"CHROMA_TARGET": "http", "CHROMA_HOST": ""}, "CHROMA_TARGET=http needs CHROMA_HOST"),
        (
            {"CHROMA_TARGET": "cloud", "CHROMA_TENANT": "t"},
            "CHROMA_TARGET=cloud needs CHROMA_DATABASE, CHROMA_API_KEY",
        ),
        ({"CHROMA_TARGET": "s3"}, "environment variable CHROMA_TARGET: "),
        ({"CHROMA_PORT": "0"}, "environment variable CHROMA_PORT: "),
        ({"CHROMA_HOST": "127.0.0.1/../x"}, "environment variable CHROMA_HOST: "),
        ({"CHROMA_HOST": "user:key@host"}, "environment variable CHROMA_HOST: "),
        ({"CHROMA_AUTH_HEADER": "Cookie"}, "environment variable CHROMA_AUTH_HEADER: "),
        ({"CHROMA_TIMEOUT_SECONDS": "0"}, "environment variable CHROMA_TIMEOUT_SECONDS: "),
    ],
)
def test_a_target_that_is_not_named_whole_is_refused(
    environment: dict[str, str], unset: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        CompactorSettings.read({**COMPACTOR, **environment})
    assert unset in str(raised.value)


@pytest.mark.parametrize(
    "host", ["chroma", "chroma.example.com", "10.0.0.7", "[::1]", "https://chroma.example", "a_b"]
)
def test_a_host_may_be_a_name_or_an_address(host: str) -> None:
    settings = ChromaSettings.read({"CHROMA_TARGET": "http", "CHROMA_HOST": host})
    assert settings.chroma_host == host


def test_secrets_show_in_no_text_of_the_settings() -> None:
    secret = {"CHROMA_TARGET": "cloud", "CHROMA_TENANT": "t", "CHROMA_DATABASE": "d"}
    settings = ChromaSettings.read({**secret, "CHROMA_API_KEY": "ck-x", "CHROMA_TOKEN": "ck-y"})
    assert "ck-" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.chroma_api_key is not None
    assert settings.chroma_api_key.get_secret_value() == "ck-x"


_KEY = "ck-SECRETSECRET"


@pytest.mark.parametrize(
    "wrong",
    [
        {"CHROMA_TARGET": "cloud", "CHROMA_API_KEY": _KEY},
        {"CHROMA_TARGET": "cloud", "CHROMA_API_KEY": _KEY, "CHROMA_PORT": "none"},
        {"CHROMA_TARGET": "http", "CHROMA_TOKEN": _KEY},
        {"CHROMA_TARGET": _KEY},
        {"CHROMA_API_KEY": _KEY, "CHROMA_TIMEOUT_SECONDS": "-1"},
    ],
)
@pytest.mark.parametrize("from_process", [False, True])
def test_no_key_is_in_a_traceback_of_the_settings(
    wrong: dict[str, str], from_process: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        ChromaSettings.read(None if from_process else wrong)
    shown = [*traceback.format_exception(caught.value), repr(caught.value)]
    assert _KEY not in "".join(shown)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
