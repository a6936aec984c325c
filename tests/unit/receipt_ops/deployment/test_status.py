"""The parts of `status`: the last comparison, the oldest message, openings, refused services."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from receipt_ops.commands.observation import status as status_command
from receipt_ops.commands.observation.status import screen_of
from receipt_ops.connection import Connection
from receipt_ops.deployment import opening, status_tasks
from receipt_ops.deployment.oldest_message import oldest_message_seconds
from receipt_ops.deployment.opening import OPENED_BYTES, Openings
from receipt_ops.deployment.status import Status
from receipt_ops.deployment.status_tasks import collect_status, openings_of
from receipt_ops.deployment.unknown import Unknown
from receipt_ops.snapshots.manifests import Damaged, Present, Published
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.verification.bucket_note import KEY, BucketNote
from receipt_ops.verification.last_comparison import LastComparison, NoteDamagedError
from receipt_ops.verification.verdict import CollectionCounts, Finding, Verdict
from receipt_sync.errors import (
    IndexFailedError,
    IndexUnavailableError,
    SnapshotDamagedError,
    SnapshotForbiddenError,
    WorkspaceFullError,
)
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.deployed_system import AWS, QUEUE_ARN
from tests.unit.receipt_ops.log_lines import NOW, LogsClient
from tests.unit.receipt_ops.terminal.test_cli import CONNECTION
from tests.unit.receipt_ops.terminal.test_commands import run


class Bucket:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_object(self, Bucket: str, Key: str) -> Any:  # noqa: N803 as boto3 calls it
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def list_objects_v2(self, **_: Any) -> Any:
        return {}

    def put_object(self, **arguments: Any) -> None:
        self.objects[arguments["Key"]] = arguments["Body"]


def test_the_last_comparison_is_noted_and_read_again() -> None:
    bucket: Any = Bucket()
    note = BucketNote(bucket, "b")
    assert note.read() is None
    counts = CollectionCounts(version=1, records=10)
    counts.findings.update({Finding.EQUAL: 7, Finding.MISSING: 2, Finding.PENDING: 5})
    note.write(LastComparison.of(Verdict({Collection.LINES: counts}, [], 1.0), NOW))
    found = note.read()
    assert found == LastComparison(NOW, 7, 2, 0, 0, 5)
    assert found is not None
    assert found.faults == 2
    bucket.objects[KEY] = b"{"
    with pytest.raises(NoteDamagedError):
        note.read()


def test_the_age_of_the_oldest_message_is_the_newest_value_of_cloudwatch() -> None:
    class CloudWatch:
        def get_metric_statistics(self, **arguments: Any) -> Any:
            assert arguments["Dimensions"] == [{"Name": "QueueName", "Value": "q"}]
            return {
                "Datapoints": [
                    {"Timestamp": NOW, "Maximum": 120.0},
                    {"Timestamp": NOW - timedelta(minutes=1), "Maximum": 60.0},
                ]
            }

    assert oldest_message_seconds(CloudWatch(), "q", NOW) == 120.0
    empty = type("CloudWatch", (), {"get_metric_statistics": lambda *_, **__: {}})()
    assert oldest_message_seconds(empty, "q", NOW) is None


def test_each_version_is_opened_once_and_a_large_one_on_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[Collection] = []

    def open_one(_: Any, collection: Collection) -> str | None:
        opened.append(collection)
        return "a pack is gone" if collection is Collection.WORDS else None

    monkeypatch.setattr(opening, "_open", open_one)
    small, large = (Published("snapshot", 7, NOW, "w", 1, size=n) for n in (1, OPENED_BYTES + 1))
    openings = openings_of(CONNECTION, all_sizes=False)
    for _ in range(2):
        assert openings.faults({Collection.LINES: large, Collection.WORDS: small}) == {
            Collection.WORDS: "a pack is gone"
        }
    assert opened == [Collection.WORDS]
    assert openings.faults({Collection.LINES: None, Collection.WORDS: Damaged("x")}) == {}
    every = openings_of(CONNECTION, all_sizes=True).faults({Collection.LINES: large})
    assert every == {Collection.LINES: None}


def test_what_can_not_be_opened_says_why() -> None:
    def refuse(*_: Any) -> Any:
        raise SnapshotDamagedError("a block is gone")

    small = Published("snapshot", 7, NOW, "w", 1, size=1)
    found = Openings(refuse, all_sizes=False).faults({Collection.LINES: small})
    assert found == {Collection.LINES: "a block is gone"}


class Refused:
    """A client of which every call is refused, paged or not."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __getattr__(self, operation: str) -> Any:
        def call(*_: Any, **__: Any) -> Any:
            if operation == "get_paginator":
                return self
            raise ClientError({"Error": {"Code": self.code}}, operation)

        return call


class Deployed(AWS):
    """SQS, DynamoDB and Lambda of a deployed system, with empty queues and free leases."""

    def __init__(self) -> None:
        super().__init__()
        counts = ("Messages", "MessagesDelayed", "MessagesNotVisible")
        self.attributes |= {f"ApproximateNumberOf{name}": "0" for name in counts}

    def get_item(self, **_: Any) -> Any:
        return {}


def looked_at(code: str, *services: str, deployed: AWS | None = None) -> Status:
    """Look at a deployed system of which some services refuse every call."""
    aws: Any = deployed or Deployed()
    refused: Any = Refused(code)
    clients: dict[str, Any] = {
        "dynamodb": aws,
        "s3": Bucket(),
        "lambda": aws,
        "logs": LogsClient(None, pages=0),
        "cloudwatch": type("CloudWatch", (), {"get_metric_statistics": lambda *_, **__: {}})(),
        **dict.fromkeys(services, refused),
    }
    connection = Connection(
        CONNECTION.names, aws, clients["s3"], aws, client=lambda name: clients[name]
    )
    return collect_status(connection, ManualClock(), openings_of(connection, all_sizes=False))


@pytest.mark.parametrize("code", ["AccessDeniedException", "ThrottlingException"])
@pytest.mark.parametrize(
    ("service", "names"),
    [("logs", {"freshness", "errors", "refusals"}), ("cloudwatch", {"oldest_seconds"})],
)
def test_a_part_that_is_refused_hides_no_other_and_is_no_all_clear(
    service: str, names: set[str], code: str
) -> None:
    found = looked_at(code, service)
    assert set(found.unknown) == names
    assert found.backlog.is_empty
    assert len(found.attention) == len(names) + 1, "and word updates are switched off"
    screen = Console(width=200, record=True, file=StringIO())
    screen.print(screen_of(found))
    assert screen.export_text().count("unknown") >= len(names)
    assert set(found.to_json()["unknown"]) == names


def test_every_mapping_of_a_source_is_reported_with_its_uuid_and_state() -> None:
    aws = Deployed()
    second = {**aws._mapping("compactor:live"), "UUID": "uuid-2", "State": "Disabled"}
    aws.more[QUEUE_ARN] = [second]
    found = looked_at("none", deployed=aws)
    assert [(one.name, one.uuid, one.state) for one in found.mappings] == [
        ("stream", "uuid-stream-processor", "Enabled"),
        ("queue", "uuid-compactor", "Enabled"),
        ("queue", "uuid-2", "Disabled"),
    ]
    assert any("the queue has 2 mappings" in one and "uuid-2" in one for one in found.attention)


def test_the_note_of_the_last_comparison_may_be_unknown() -> None:
    assert set(looked_at("AccessDenied", "s3").unknown) == {"versions", "comparison"}


def test_credentials_that_are_refused_are_a_failure_of_all() -> None:
    with pytest.raises(ClientError, match="ExpiredToken"):
        looked_at("ExpiredToken", "cloudwatch")


SOUND = LastComparison(NOW, 1, 2, 3, 4, 5).to_json()


@pytest.mark.parametrize(
    "content",
    [
        {**SOUND, "missing": "7"},
        {**SOUND, "missing": None},
        {**SOUND, "missing": 1.5},
        {**SOUND, "missing": []},
        {**SOUND, "missing": True},
        {**SOUND, "missing": -1},
        {**SOUND, "missing": 10**4_000},
        {**SOUND, "at": 1_700_000_000},
        {**SOUND, "at": "2026-01-01T00:00:00"},
        {**SOUND, "at": "0001-01-01T00:00:00+14:00"},
        {**SOUND, "more": 1},
        {"at": SOUND["at"]},
        [],
    ],
)
def test_a_damaged_note_is_unknown_and_the_remedy_is_named(content: Any) -> None:
    with pytest.raises(NoteDamagedError, match="run `receipt-sync verify`, which writes it again"):
        LastComparison.read(json.dumps(content).encode())


def test_a_nested_note_is_damaged() -> None:
    """`status` ended with a RecursionError."""
    with pytest.raises(NoteDamagedError):
        LastComparison.read(b"[" * 30_000)


@pytest.mark.parametrize(
    ("error", "is_fault"),
    [
        (SnapshotDamagedError("a pack is gone"), True),
        (IndexFailedError("Chroma's get failed"), True),
        (WorkspaceFullError("the disk of /tmp is full"), False),
        (SnapshotForbiddenError("S3 refuses to read it"), False),
        (IndexUnavailableError("the server can't be reached"), False),
    ],
)
def test_what_this_machine_or_its_rights_lack_is_no_fault_of_a_snapshot(
    error: Exception, *, is_fault: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was "no reader can open it", and --watch said so for ever."""
    fails = [error]

    class Reader:
        version = 7

        def refresh(self) -> None:
            if fails:
                raise fails.pop()

        def ids(self) -> Iterator[str]:
            return iter(())

    @contextmanager
    def readers(*_: Any) -> Iterator[Any]:
        yield {Collection.WORDS: Reader()}

    monkeypatch.setattr(status_tasks, "snapshot_readers", readers)
    openings = openings_of(CONNECTION, all_sizes=False)
    present: Present = {Collection.WORDS: Published("snapshot", 7, NOW, "w", 1, size=1)}
    if is_fault:
        assert openings.faults(present) == {Collection.WORDS: str(error)}
        return
    unknown = Unknown(CONNECTION)
    none: dict[Collection, str | None] = {}
    assert unknown.ask("openings", lambda: openings.faults(present), none) == {}
    assert unknown.why["openings"].startswith(str(error).partition(":")[0])
    assert (unknown.machine_fault is not None) is isinstance(error, WorkspaceFullError)
    assert openings.faults(present) == {Collection.WORDS: None}


@pytest.mark.parametrize("as_json", ["", " --json"])
def test_a_fault_of_this_machine_is_a_failure_and_no_verdict(
    as_json: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With too few open files, `status` of a sound system exited with 1."""
    found = looked_at("none")
    fault = "the command can open no more files"
    version = Published("snapshot", 7, NOW, "w", 1, size=1)
    of_the_machine = replace(
        found,
        versions={Collection.LINES: version},
        unknown={"openings": fault},
        machine_fault=fault,
    )
    monkeypatch.setattr(status_command, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(status_command, "collect_status", lambda *_: of_the_machine)
    result = run(f"status{as_json}")
    assert result.exit_code == ExitCode.FAILURE
    assert fault in " ".join(result.stdout.split()), "the other parts are printed as well"
    assert "not tried" not in result.stdout
    assert result.stderr.splitlines()[-1] == f"receipt-sync: {fault}"
