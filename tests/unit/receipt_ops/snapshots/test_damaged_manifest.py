"""A damaged manifest of one collection hides nothing of the other."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from receipt_index.server.version import ServerVersion
from receipt_index.snapshot.format.manifest import Manifest
from receipt_ops.commands.recovery import snapshot as module
from receipt_ops.connection import Connection, Names
from receipt_ops.deployment.config_check import checks
from receipt_ops.deployment.config_tasks import facts_of
from receipt_ops.screens.snapshots import HistoryRow
from receipt_ops.snapshots.kept_versions import KeptVersion
from receipt_ops.snapshots.manifests import Damaged, Published
from receipt_ops.snapshots.wiring import present_versions
from receipt_ops.terminal.cli import main
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.deployed_system import AWS, RIGHT

LINES, WORDS = Collection.LINES, Collection.WORDS
SOUND = Manifest(
    collection=LINES,
    version=7,
    base={},
    base_size=0,
    files={"chroma.sqlite3": 4096},
    record_count=5,
    published_at=datetime(2026, 1, 1, tzinfo=UTC),
    writer="w",
)


class Bucket:
    """An S3 client in whose bucket the manifest of the words is damaged."""

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        data = b"{" if "receipt_words" in Key else SOUND.to_json()
        return {"ContentLength": len(data), "Body": io.BytesIO(data), "ETag": '"1"'}


CLIENT: Any = Bucket()
CONNECTION = Connection(Names("t", "https://sqs/q", "b"), CLIENT, CLIENT, CLIENT)


def test_the_sound_collection_is_shown_and_the_damaged_one_with_its_reason() -> None:
    found = present_versions(CONNECTION)
    lines, words = found[LINES], found[WORDS]
    assert isinstance(lines, Published)
    assert (lines.version, lines.size) == (7, 4096)
    assert isinstance(words, Damaged)
    assert "the manifest of receipt_words" in words.reason


@pytest.mark.parametrize("arguments", [["--json"], []])
def test_snapshot_show_shows_both_and_exits_with_a_verdict(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "connection_of_process", lambda: CONNECTION)
    result = CliRunner().invoke(main, ["snapshot", "show", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert "the manifest of receipt_words does not have format" in result.stdout
    if arguments:
        assert json.loads(result.stdout)["receipt_lines"]["version"] == 7
    else:
        assert "receipt_lines" in result.stdout


def test_check_config_makes_every_check_and_names_the_damaged_manifest() -> None:
    aws = AWS()
    aws.attributes |= {"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600"}
    facts = facts_of(aws.deployment(), present_versions(CONNECTION))
    assert facts.snapshot_bytes == 4096
    whole = replace(RIGHT, damaged=facts.damaged)
    (broken,) = [check for check in checks(whole) if not check.ok]
    assert (broken.name, "receipt_words" in broken.found) == ("manifests", True)
    assert len(checks(whole)) == len(checks(RIGHT))


class LostBucket(Bucket):
    """An S3 client in whose bucket the words' manifest is gone, and their objects are there."""

    def __init__(self, *objects: str) -> None:
        self.objects = objects

    def get_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        if "receipt_words" in Key:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return super().get_object(Key)

    def list_objects_v2(self, Prefix: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Contents": [{"Key": Prefix + name} for name in self.objects]}


def of(client: Any) -> Connection:
    return Connection(Names("t", "https://sqs/q", "b"), client, client, client)


def test_a_manifest_that_is_gone_from_its_objects_is_damage_and_not_a_new_collection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lost = of(LostBucket("packs/a"))
    words = present_versions(lost)[WORDS]
    assert isinstance(words, Damaged)
    assert "is gone" in words.reason
    monkeypatch.setattr(module, "connection_of_process", lambda: lost)
    result = CliRunner().invoke(main, ["snapshot", "show"], env={"COLUMNS": "200"})
    assert (result.exit_code, "is gone" in result.stdout) == (1, True)


def test_a_collection_without_manifest_and_objects_was_never_published() -> None:
    assert present_versions(of(LostBucket()))[WORDS] is None


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([(False, [])], 1),
        ([(None, []), (False, [])], 0),
        ([(True, []), (False, ["packs/a"])], 1),
        ([(True, []), (True, [])], 0),
        ([], 0),
    ],
)
def test_the_history_ends_with_a_verdict_if_the_newest_version_or_an_object_is_damaged(
    rows: list[tuple[bool | None, list[str]]], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--check` said "1 are damaged" and exited with 0. Old versions lack objects by design."""
    kept = KeptVersion("v", SOUND.to_json(), SOUND)
    found = [HistoryRow(kept, [], damaged, whole) for whole, damaged in rows]
    monkeypatch.setattr(module, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(module, "_rows", lambda *_, **__: found)
    result = CliRunner().invoke(main, ["snapshot", "history", "receipt_lines"])
    assert result.exit_code == code


@pytest.mark.parametrize(
    "line",
    [
        ("history",),
        ("gc", "--yes"),
        ("gc", "--dry-run"),
        ("rebuild", "--yes"),
        ("rebuild", "--dry-run"),
    ],
)
def test_a_sound_server_is_not_called_damaged_by_the_commands_of_snapshots(
    line: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history called each version of a server unreadable, and gc advised a restore."""
    version = ServerVersion(collection=Collection.LINES, collection_id=uuid4(), version=3)

    class ServerBucket(Bucket):
        def get_object(self, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
            data = version.to_json()
            return {"ContentLength": len(data), "Body": io.BytesIO(data), "ETag": '"1"'}

    monkeypatch.setattr(module, "connection_of_process", lambda: of(ServerBucket()))
    name, *options = line
    arguments = ["snapshot", name, "receipt_lines", *options]
    result = CliRunner().invoke(main, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "a Chroma server holds receipt_lines, and a server has no snapshots" in result.stderr
