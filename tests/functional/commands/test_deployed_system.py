"""Commands that inspect, switch and probe a deployed system, against the real functions."""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from local.stack import Stack
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.snapshots.rebuild_tasks import IndexRebuild
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection, parse_chroma_id
from tests.functional.conftest import QUICK_FUNCTIONS
from tests.functional.operator import Operator

SEED = "31"


@pytest.fixture(scope="module")
def operator(deployed: Stack) -> Iterator[Operator]:
    operator = Operator.of(deployed)
    operator.command("create-test-receipts", "--count", "3", "--seed", SEED)
    operator.settled()
    yield operator
    operator.command("modify-test-receipts", "--count", "3", "--seed", SEED, "--delete")
    operator.settled()


def a_line(operator: Operator) -> str:
    """Return the id of a line of the test receipts."""
    with operator.reader(Collection.LINES) as reader:
        return min(reader.ids())


def test_a_healthy_system_needs_no_person(operator: Operator) -> None:
    status = operator.json("status")
    assert status["attention"] == []
    assert status["backlog"] == {"waiting": 0, "in_flight": 0}
    assert status["dead_letters"] == {"compaction": 0, "stream": 0}
    assert status["freshness"]["p50"] > 0
    assert status["snapshots"]["receipt_words"]["records"] > 0
    assert all(status["switches"].values())
    assert status["opened"] == {"receipt_lines": True, "receipt_words": True}
    assert status["last_comparison"]["missing"] == 0
    assert all(mapping["uuid"] for mapping in status["mappings"])
    assert status["errors"] == []
    assert "nothing needs attention" in operator.command("status").stdout


def test_the_sums_between_settings_hold_but_for_the_short_visibility_of_this_test(
    operator: Operator,
) -> None:
    checks = {check["name"]: check for check in operator.json("check-config", code=1)["checks"]}
    assert [name for name, check in checks.items() if not check["ok"]] == ["visibility"]
    assert checks["visibility"]["found"] == "20 s, 6 × 20 s"
    assert "raise the queue's visibility" in operator.command("check-config", code=1).stdout


def test_the_functions_logs_are_shown_a_line_each(operator: Operator) -> None:
    lines = [json.loads(one) for one in operator.command("logs", "--json").stdout.splitlines()]
    names = operator.stack.names
    assert {one["function"] for one in lines} == {names.stream_processor, names.compactor}
    assert {"published", "batch handled"} <= {one["what"] for one in lines}
    assert operator.command("logs", "--errors").stdout == ""
    only = operator.command("logs", "--function", "stream").stdout
    assert names.stream_processor in only
    assert names.compactor not in only


def test_a_wrong_bucket_in_the_function_is_shown_and_judged(operator: Operator) -> None:
    """A wrong setting of the compactor fails every batch. `status` once named no error."""
    client, name = operator.connection.lambda_, operator.stack.names.compactor
    settings = client.get_function_configuration(FunctionName=name)
    right = settings["Environment"]["Variables"]
    wrong = {**right, "SNAPSHOT_BUCKET": "absent-bucket"}
    # The message that fails comes back soon, and not after the twenty seconds of the other tests.
    _set_visibility(operator, seconds=5)
    client.update_function_configuration(FunctionName=name, Environment={"Variables": wrong})
    try:
        operator.command(
            "modify-test-receipts", "--count", "3", "--seed", SEED, "--changes", "1",
            "--only", "line edited",
        )  # fmt: skip
        end = time.monotonic() + 60
        while not (status := operator.json("status", code=None))["errors"]:
            assert time.monotonic() < end, status
            time.sleep(1)
    finally:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": right})
        _set_visibility(operator, QUICK_FUNCTIONS.visibility_timeout)
    (failed,) = status["errors"]
    assert failed["function"] == name
    assert any(f"{name} reported" in sentence for sentence in status["attention"])
    assert operator.command("logs", "--errors", "--function", "compactor").stdout
    operator.settled()


def _set_visibility(operator: Operator, seconds: int) -> None:
    operator.connection.sqs.set_queue_attributes(
        QueueUrl=operator.connection.names.compaction_queue_url,
        Attributes={"VisibilityTimeout": str(seconds)},
    )


def test_a_damaged_block_is_seen_though_its_manifest_can_be_read(operator: Operator) -> None:
    s3, bucket = operator.connection.s3, operator.connection.names.bucket
    prefix = "snapshots/receipt_words/"
    kept: dict[str, bytes] = {}
    for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
        if not entry["Key"].endswith("manifest.json"):
            kept[entry["Key"]] = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
            s3.put_object(Bucket=bucket, Key=entry["Key"], Body=b"damaged")
    try:
        status = operator.json("status", code=1)
    finally:
        for key, body in kept.items():
            s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert status["opened"] == {"receipt_lines": True, "receipt_words": False}
    assert any("no reader can open receipt_words" in one for one in status["attention"])


@pytest.mark.parametrize(
    "line",
    [
        "load --synthetic 1", "repair", "dlq restore", "dlq redrive", "dlq drop unknown-id",
        "replay", "backfill",
        "lock release receipt_lines", "snapshot gc receipt_lines",
        "snapshot rebuild receipt_lines", "smoke", "latency",
        "stress", "flags set --word", "create-test-receipts --count 1",
        "modify-test-receipts --count 1",
    ],
)  # fmt: skip
def test_a_dry_run_speaks_json(line: str, operator: Operator, tmp_path: Path) -> None:
    answer = operator.command(*line.split(), "--dry-run", "--json", code=None)
    assert answer.code in (0, 1), answer
    assert answer.json["dry_run"] is True


def test_flags_are_set_shown_and_set_back(operator: Operator) -> None:
    dry = operator.json("flags", "set", "--no-word", "--no-queue", "--dry-run")
    assert (dry["word"], dry["queue"], dry["changed"]) == (False, False, ["word", "queue"])
    assert operator.json("flags", "show")["word"] is True
    operator.command("flags", "set", "--no-word", "--no-queue", "--yes")
    try:
        shown = operator.json("flags", "show")
        assert (shown["word"], shown["line"], shown["queue"]) == (False, True, False)
        attention = operator.json("status", code=1)["attention"]
        switched_off = [one.split()[0] for one in attention if "is switched off" in one]
        assert switched_off == ["word", "queue"]
    finally:
        operator.command("flags", "set", "--word", "--queue", "--yes")
    assert all(operator.json("flags", "show")[name] for name in ("word", "queue"))


def test_a_lease_is_shown_and_one_of_a_silent_worker_released(operator: Operator) -> None:
    assert operator.json("lock", "show")["locks"] == []
    lock_id = f"{operator.stack.names.lock_id}-words"
    now = time.time()
    operator.put_lock(lock_id, beaten=now - 300, expires=now + 3_600)
    (held,) = operator.json("lock", "show")["locks"]
    assert (held["lock_id"], held["alive"], held["over"]) == (lock_id, False, False)
    assert operator.json("lock", "release", "receipt_words", "--dry-run")["released"] is False
    assert operator.json("lock", "release", "receipt_words", "--yes")["released"] is True
    assert operator.json("lock", "show")["locks"] == []


def test_a_lease_whose_holder_is_at_work_is_not_released_without_force(operator: Operator) -> None:
    lock_id = f"{operator.stack.names.lock_id}-lines"
    now = time.time()
    operator.put_lock(lock_id, beaten=now, expires=now + 60)
    dry = operator.command("lock", "release", "receipt_lines", "--dry-run", code=2)
    assert "is at work" in dry.stderr, "a dry run makes every check of the real call"
    refused = operator.command("lock", "release", "receipt_lines", "--yes", code=2)
    assert "is at work" in refused.stderr
    operator.command("lock", "release", "receipt_lines", "--force", "--yes")


def test_one_entity_is_shown_as_table_snapshot_and_queues_have_it(operator: Operator) -> None:
    chroma_id = a_line(operator)
    found = operator.json("compare", chroma_id)
    assert (found["finding"], found["messages"]) == ("equal", [])
    assert found["item"]["text"] == found["record"]["text"]
    with operator.tampering(Collection.LINES) as index:
        index.update({chroma_id: {"text": "TAMPERED"}})
    found = operator.json("compare", chroma_id, "--peek", code=1)
    assert (found["finding"], set(found["fields"])) == ("different", {"text"})
    operator.command("repair", "--wait", "60")
    assert "finding: equal" in operator.command("compare", chroma_id).stdout


def test_an_edited_text_makes_its_vector_stale_and_is_listed(operator: Operator) -> None:
    """The edited line has a fresh vector before. Earlier tests made vectors stale as well."""
    before = operator.json("stale")
    listed = _stale_lines(before)
    with operator.reader(Collection.LINES) as reader:
        chroma_id = min(set(reader.ids()) - listed)
    editor = TableEditor(operator.connection.dynamodb, operator.connection.names.table)
    assert editor.update(parse_chroma_id(chroma_id), {"text": "CORRECTED TEXT"})
    operator.settled()
    stale = operator.json("stale")
    assert stale["stale"] == before["stale"] + 1
    assert _stale_lines(stale) == listed | {chroma_id}


def _stale_lines(answer: dict[str, Any]) -> set[str]:
    return set(answer["collections"]["receipt_lines"]["ids"])


def test_an_invocation_is_traced_by_its_request_id(operator: Operator) -> None:
    request_id = operator.last_request_id()
    steps = operator.json("trace", request_id)["steps"]
    assert {step["request_id"] for step in steps} == {request_id}
    assert "batch handled" in {step["what"] for step in steps}
    assert "batch handled" in operator.command("trace", request_id).stdout
    assert operator.json("trace", "absent-id", code=1)["steps"] == []


def test_a_smoke_test_times_every_step_and_leaves_nothing_behind(operator: Operator) -> None:
    before = operator.settled()["equal"]
    done = operator.json("smoke", "--timeout", "60")
    assert [step["step"] for step in done["steps"]] == ["insert", "rename", "delete"]
    assert all(0 < step["seconds"] < 60 for step in done["steps"])
    assert operator.settled()["equal"] == before
    assert operator.json("smoke", "--dry-run")["steps"] == []


def test_latency_is_measured_change_by_change(operator: Operator) -> None:
    found = operator.json("latency", "--changes", "3")
    assert found["count"] == len(found["seconds"]) == 3
    assert 0 < found["p50"] <= found["p95"] <= found["longest"] < 60
    assert operator.command("latency", "--changes", "1", "--limit", "0.001", code=1)


def test_stress_writes_at_its_rate_settles_and_cleans_up(operator: Operator) -> None:
    before = operator.json("verify")["equal"]
    done = operator.json(
        "stress", "--changes-per-second", "20", "--seconds", "2", "--receipts", "1"
    )
    assert done["settled"]
    assert done["written"] + done["missed"] == 40
    assert done["verdict"]["different"] == done["verdict"]["missing"] == 0
    assert operator.json("verify")["equal"] == before


def test_snapshots_are_shown_with_their_history_and_an_earlier_one_is_restored(
    operator: Operator,
) -> None:
    shown = operator.json("snapshot", "show")["receipt_lines"]
    versions = operator.json("snapshot", "history", "receipt_lines", "--limit", "3", "--check")[
        "versions"
    ]
    assert [one["version"] for one in versions] == [shown["version"] - n for n in range(3)]
    assert all(one["whole"] for one in versions)
    earlier = str(shown["version"] - 1)
    dry = operator.json("snapshot", "restore", "receipt_lines", earlier, "--dry-run")
    assert (dry["restored"], dry["published"]) == (shown["version"] - 1, None)
    done = operator.json("snapshot", "restore", "receipt_lines", earlier, "--yes")
    assert done["published"] == shown["version"] + 1
    operator.command("repair", "--wait", "60")
    assert operator.settled()["different"] == 0
    refused = operator.command("snapshot", "restore", "receipt_lines", "999999", "--yes", code=2)
    assert "version 999999 of receipt_lines is not kept" in refused.stderr


def test_a_damaged_version_is_not_called_whole_and_a_dry_run_of_its_restore_is_refused(
    operator: Operator,
) -> None:
    s3, bucket = operator.connection.s3, operator.connection.names.bucket
    listed = operator.json("snapshot", "history", "receipt_lines", "--limit", "1")
    (row,) = listed["versions"]
    content = json.loads(
        s3.get_object(
            Bucket=bucket, Key="snapshots/receipt_lines/manifest.json", VersionId=row["version_id"]
        )["Body"].read()
    )
    name = f"blocks/{content['base']['chroma.sqlite3']['blocks'][0]}"
    key = f"snapshots/receipt_lines/{name}"
    sound = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    restore = ("snapshot", "restore", "receipt_lines", str(row["version"]), "--dry-run")
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=sound[:-1] + bytes([sound[-1] ^ 1]))
        (row,) = operator.json("snapshot", "history", "receipt_lines", "--limit", "1")["versions"]
        assert row["whole"] is None, "no command has checked the objects"
        looked = ("snapshot", "history", "receipt_lines", "--limit", "1")
        checked = operator.json(*looked, "--check", code=1)
        assert (checked["versions"][0]["whole"], checked["versions"][0]["damaged"]) == (
            False,
            [name],
        )
        assert name in operator.command(*restore, code=2).stderr
        s3.delete_object(Bucket=bucket, Key=key)
        (row,) = operator.json(*looked, code=1)["versions"]
        assert (row["whole"], row["missing"]) == (False, [name])
        assert name in operator.command(*restore, code=2).stderr
    finally:
        s3.put_object(Bucket=bucket, Key=key, Body=sound)
    assert operator.json(*restore)["published"] is None


class Tomorrow(SystemClock):
    """A clock that is a day and an hour ahead of the machine's."""

    def now(self) -> datetime:
        return super().now() + timedelta(hours=25)


def test_what_no_version_names_is_garbage_once_it_is_old(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"packs/{'0' * 64}"
    s3, bucket = operator.connection.s3, operator.connection.names.bucket
    with monkeypatch.context() as patch:  # a refused publish may have left a list
        patch.setattr("receipt_ops.snapshots.tasks.SystemClock", Tomorrow)
        operator.command("snapshot", "gc", "receipt_lines", "--yes")
    s3.put_object(Bucket=bucket, Key=f"snapshots/receipt_lines/{name}", Body=b"left behind")
    assert operator.json("snapshot", "gc", "receipt_lines", "--yes")["objects"] == []
    monkeypatch.setattr("receipt_ops.snapshots.tasks.SystemClock", Tomorrow)
    assert operator.json("snapshot", "gc", "receipt_lines", "--dry-run")["objects"] == [name]
    assert operator.json("snapshot", "gc", "receipt_lines", "--yes")["objects"] == [name]
    assert operator.json("snapshot", "gc", "receipt_lines", "--yes")["objects"] == []
    assert operator.json("verify")["different"] == 0


def test_an_object_that_s3_does_not_delete_is_not_called_deleted(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without s3:DeleteObject, S3 answers 200 with an Error for each key."""
    name = f"packs/{'1' * 64}"
    s3, bucket = operator.connection.s3, operator.connection.names.bucket
    monkeypatch.setattr("receipt_ops.snapshots.tasks.SystemClock", Tomorrow)
    operator.command("snapshot", "gc", "receipt_lines", "--yes")
    s3.put_object(Bucket=bucket, Key=f"snapshots/receipt_lines/{name}", Body=b"left behind")
    monkeypatch.setattr(
        "receipt_index.snapshot.store.s3_store.S3SnapshotStore.delete", lambda *_: None
    )
    refused = operator.command("snapshot", "gc", "receipt_lines", "--yes", code=2)
    assert f"S3 has not deleted 1 of 1 objects, among them {name}" in refused.stderr
    s3.delete_object(Bucket=bucket, Key=f"snapshots/receipt_lines/{name}")


def test_an_index_is_rebuilt_and_the_compactor_goes_on_from_it(operator: Operator) -> None:
    before = operator.json("snapshot", "show")["receipt_lines"]
    dry = operator.json("snapshot", "rebuild", "receipt_lines", "--dry-run")
    assert dry["after"] is None
    assert dry["before"]["records"] == before["records"] > 0
    shown = operator.command("snapshot", "rebuild", "receipt_lines", "--dry-run").stdout
    assert "would be rebuilt" in " ".join(shown.split())
    done = operator.json("snapshot", "rebuild", "receipt_lines", "--yes")
    assert done["after"]["version"] == done["before"]["version"] + 1
    assert done["after"]["records"] == before["records"]
    assert done["after"]["packs"] == 0
    assert operator.json("lock", "show")["locks"] == []
    assert operator.json("verify")["different"] == 0


def test_a_rebuild_waits_for_the_lease_and_then_names_its_holder(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("receipt_ops.snapshots.rebuild_tasks.PATIENCE_SECONDS", 0.5)
    rebuild = IndexRebuild(operator.connection, Collection.LINES, SystemClock())
    with rebuild._lease().held(Deadline(SystemClock(), 60.0)):
        refused = operator.command("snapshot", "rebuild", "receipt_lines", "--yes", code=2)
    assert "the lease of receipt_lines was not free within" in refused.stderr


def test_a_receiver_of_alarms_is_subscribed_and_notified(operator: Operator) -> None:
    arn = operator.connection.sns.create_topic(Name="receipt-sync-alarms-test")["TopicArn"]
    assert operator.json("alerts", "list", code=1)["subscriptions"] == []
    dry = operator.json("alerts", "subscribe", "--email", "on-call@example.com", "--dry-run")
    assert dry == {"topic": arn, "subscription": None, "dry_run": True}
    operator.command("alerts", "subscribe", "--email", "on-call@example.com")
    endpoint = f"https://events.pagerduty.com/integration/{'a' * 32}/enqueue"
    made = operator.json("alerts", "subscribe", "--pagerduty", endpoint)
    listed: list[dict[str, Any]] = operator.json("alerts", "list", code=None)["subscriptions"]
    assert {one["protocol"] for one in listed} == {"email", "https"}
    assert "a" * 32 not in json.dumps(listed)
    assert operator.json("alerts", "test")["message_id"]
    assert made["subscription"]


def test_a_subscription_is_ended(operator: Operator) -> None:
    sns = operator.connection.sns
    topic = sns.create_topic(Name="other-alarms")["TopicArn"]
    queue = operator.stack.queues.stream_dlq.arn
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    assert operator.json("alerts", "list", "--topic", topic)["subscriptions"][0]["arn"] == arn
    operator.command("alerts", "unsubscribe", arn, "--topic", topic, "--yes")
    assert operator.json("alerts", "list", "--topic", topic, code=1)["subscriptions"] == []
    refused = operator.command("alerts", "unsubscribe", arn, "--topic", topic, "--yes", code=2)
    assert "has no subscription" in refused.stderr


def test_a_table_that_is_not_there_is_one_sentence(operator: Operator) -> None:
    answer = operator.command("status", code=2, DYNAMODB_TABLE="nowhere")
    assert answer.stderr.strip().startswith("receipt-sync: there is no table nowhere")


def test_a_queue_without_functions_is_one_sentence(operator: Operator) -> None:
    url = operator.connection.sqs.create_queue(QueueName="lonely")["QueueUrl"]
    answer = operator.command("lock", "show", code=2, COMPACTION_QUEUE_URL=url)
    assert "the queue lonely has no event source mapping" in answer.stderr


def test_a_months_costs_are_estimated_from_what_the_functions_have_counted(
    operator: Operator, tmp_path: Path
) -> None:
    counts, plot = tmp_path / "counts.json", tmp_path / "cost.svg"
    files = ("--save-counts", str(counts), "--plot", str(plot))
    found = operator.json("cost", "--hours", "1", *files)
    assert found["counts"]["changes"] > 0
    assert found["counts"]["stream_gb_seconds"] > 0
    assert found["counts"]["compactor_gb_seconds"] > 0
    assert found["counts"] == json.loads(counts.read_text())
    totals = [scale["total"] for scale in found["scales"]]
    assert totals == sorted(totals)
    assert "<svg" in plot.read_text()
    again = operator.json("cost", "--counts", str(counts))
    assert again["scales"] == found["scales"]
