"""What the commands do to dead letters: which they delete, keep, and trace."""

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from receipt_ops.commands.consistency import compare as compare_module
from receipt_ops.commands.recovery import dlq as dlq_command
from receipt_ops.commands.recovery import replay as replay_command
from receipt_ops.dead_letters import replay_tasks, tasks
from receipt_ops.dead_letters.naming import names_in_logs
from receipt_ops.dead_letters.queue import DeadLetter
from receipt_ops.dead_letters.queues import RedriveSource, Which
from receipt_ops.dead_letters.replaying import DynamoDBStream, StreamGoneError
from receipt_ops.deployment.parts import Queue
from receipt_ops.repair.plan import Summary
from receipt_ops.verification.entity import EntityView, Waiting
from receipt_ops.verification.entity_tasks import QueueContents
from receipt_sync.messages import to_body
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line
from tests.unit.receipt_ops.dead_letters.in_memory_queue import (
    DELTA,
    FAILURE,
    KEYS,
    MALFORMED,
    TABLE_ARN,
    Changes,
    Deltas,
    InMemoryDeadLetterQueue,
    Stream,
    change_body,
    dead_letter,
    record,
)
from tests.unit.receipt_ops.terminal.test_cli import CONNECTION, run


def dead_letters(*found: DeadLetter, elsewhere: int = 0) -> InMemoryDeadLetterQueue:
    queue = InMemoryDeadLetterQueue()
    queue.dead_letters = {one.message_id: one for one in found}
    queue.elsewhere = elsewhere
    return queue


def source_of(which: Which, found: InMemoryDeadLetterQueue) -> RedriveSource:
    return RedriveSource(which, Queue("url", "arn:q"), found, found.send, lambda _: None)


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> InMemoryDeadLetterQueue:
    """The stream's dead letters; the stream holds three records, the second of them malformed."""
    odd = {"eventID": "odd", "dynamodb": {"Keys": MALFORMED, "SequenceNumber": "101"}}
    found = dead_letters(
        dead_letter(FAILURE, None, "part"), dead_letter({"dynamodb": {"Keys": KEYS}}, "x", "own")
    )
    monkeypatch.setattr(
        replay_command, "connection_of_process", lambda: replace(CONNECTION, client=lambda _: None)
    )
    replaces: Mapping[str, Any] = {
        "redrive_sources": lambda *_: [source_of(Which.STREAM, found)],
        "Deployment": lambda _: None,
        "changes_of": lambda _: Changes(),
        "stream_of": lambda *_: Stream(record(100), odd, record(102, 2)),
    }
    for name, value in replaces.items():
        monkeypatch.setattr(replay_tasks, name, value)
    return found


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "LimitExceededException"}}, "GetRecords")


def deleted(found: InMemoryDeadLetterQueue) -> list[str]:
    return [one for what, ids in found.log if what == "delete" for one in ids]


def test_a_dead_letter_of_whose_part_not_all_was_sent_stays(
    stream: InMemoryDeadLetterQueue,
) -> None:
    answer = run("replay", "--json")
    content = json.loads(answer.stdout)
    assert answer.exit_code == 1
    assert content["replayed"][0]["malformed"] == ["odd"]
    assert "1 of its records are malformed" in content["kept"]["part"]
    assert deleted(stream) == []


def test_a_dead_letter_that_is_no_part_of_the_stream_is_not_called_done(
    stream: InMemoryDeadLetterQueue,
) -> None:
    answer = run("replay", "own", "--json")
    content = json.loads(answer.stdout)
    assert answer.exit_code == 1
    assert "it does not name a part of the stream" in content["kept"]["own"]
    assert (content["replayed"], deleted(stream)) == ([], [])


def test_without_ids_dead_letters_that_are_no_part_of_the_stream_are_reported_too(
    stream: InMemoryDeadLetterQueue,
) -> None:
    stream.dead_letters = {"own": stream.dead_letters["own"]}
    answer = run("replay", "--json")
    assert answer.exit_code == 1
    assert list(json.loads(answer.stdout)["kept"]) == ["own"]


def test_a_dead_letter_and_a_file_are_not_replayed_together(tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(json.dumps(FAILURE))
    answer = run("replay", "part", "--file", str(tmp_path / "record.json"))
    assert answer.exit_code == 2
    assert "give only one of them" in answer.output


def test_a_part_that_can_not_be_read_does_not_keep_the_others_from_being_replayed(
    stream: InMemoryDeadLetterQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.dead_letters = {i: dead_letter(FAILURE, None, i) for i in ("first", "second")}
    calls: list[str] = []

    def of_stream(*_: Any) -> Any:
        calls.append("")
        if len(calls) == 1:
            client: Any = boto3.client("dynamodbstreams", region_name="us-east-1")
            return DynamoDBStream(
                client, ManualClock(), Random(1), TABLE_ARN
            )  # "shard-1" is too short
        return Stream(record(100), record(101), record(102))

    monkeypatch.setattr(replay_tasks, "stream_of", of_stream)
    answer = run("replay", "--json")
    assert answer.exit_code == 1
    assert "does not name a part of a stream" in json.loads(answer.stdout)["kept"]["first"]
    assert deleted(stream) == ["second"]


@pytest.mark.parametrize("failure", [throttled(), KeyboardInterrupt()])
def test_a_replay_that_fails_reports_what_was_sent_and_the_next_one_sends_only_the_rest(
    stream: InMemoryDeadLetterQueue, monkeypatch: pytest.MonkeyPatch, failure: BaseException
) -> None:
    """All dead letters stayed, so the next run sent the first part a second time."""
    stream.dead_letters = {i: dead_letter(FAILURE, None, i) for i in ("first", "second", "third")}
    calls, changes = list[str](), Changes()

    class Failing(Stream):
        def between(self, _: Any) -> Any:
            raise failure

    def of_stream(*_: Any) -> Stream:
        calls.append("")
        return Failing() if len(calls) == 2 else Stream(record(100), record(101), record(102))

    monkeypatch.setattr(replay_tasks, "stream_of", of_stream)
    monkeypatch.setattr(replay_tasks, "changes_of", lambda _: changes)
    answer = run("replay")
    assert answer.exit_code in (2, 130)
    assert deleted(stream) == ["first"]
    assert "1 of 3 parts were sent" in answer.stderr
    for one in deleted(stream):
        del stream.dead_letters[one]
    assert run("replay").exit_code == 0
    assert deleted(stream) == ["first", "second", "third"]
    assert len(changes.sent) == 3


def test_parts_that_are_gone_keep_their_dead_letters_until_the_table_was_repaired(
    stream: InMemoryDeadLetterQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.dead_letters = {i: dead_letter(FAILURE, None, i) for i in ("gone", "there")}
    streams = [Stream(), Stream(record(100), record(101), record(102))]
    monkeypatch.setattr(replay_tasks, "stream_of", lambda *_: streams.pop(0))

    def refused(*_: Any, **__: Any) -> Any:
        raise throttled()

    monkeypatch.setattr(replay_tasks, "repair_whole_table", refused)
    assert run("replay").exit_code == 2
    assert deleted(stream) == ["there"]


def test_parts_that_another_command_holds_are_not_called_done(
    stream: InMemoryDeadLetterQueue,
) -> None:
    stream.dead_letters, stream.elsewhere = {}, 2
    answer = run("replay", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["unseen"]) == (1, 2)
    assert "about 2 dead letters were not read" in run("replay").stdout


def compaction(
    monkeypatch: pytest.MonkeyPatch, *found: DeadLetter, elsewhere: int = 0
) -> InMemoryDeadLetterQueue:
    held = dead_letters(*found, elsewhere=elsewhere)
    monkeypatch.setattr(dlq_command, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(tasks, "Deployment", lambda _: None)
    monkeypatch.setattr(tasks, "redrive_sources", lambda *_: [source_of(Which.COMPACTION, held)])
    return held


@pytest.mark.parametrize("line", ["dlq show", "dlq explain", "dlq redrive --yes"])
def test_dead_letters_that_another_command_holds_are_counted(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compaction(monkeypatch, elsewhere=2)
    answer = run(*line.split())
    assert answer.exit_code == 1
    assert "about 2 dead letters were not read: another command holds them" in answer.stdout
    assert "no dead letters" not in answer.stdout
    assert json.loads(run(*line.split(), "--json").stdout)["unseen"] == 2


def test_a_dead_letter_that_would_come_back_stays_unless_it_is_forced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = compaction(
        monkeypatch, dead_letter("junk", "no JSON", "bad"), dead_letter(change_body(), "x", "b")
    )
    answer = run("dlq", "redrive", "--yes", "--json")
    content = json.loads(answer.stdout)
    assert (answer.exit_code, content["moved"]) == (1, ["b"])
    assert "it would come back: no JSON" in content["kept"]["bad"]
    assert deleted(queue) == ["b"]
    queue.log.clear()
    assert run("dlq", "redrive", "bad", "--force", "--yes").exit_code == 0
    assert deleted(queue) == ["bad"]


def test_an_entity_that_is_nowhere_agrees_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was "neither in the table nor in the snapshot", with exit code 0."""
    key = line(1)
    absent = EntityView(key, None, None, 7, None, {}, stale=False, messages=[])
    monkeypatch.setattr(compare_module, "connection_of_process", lambda: CONNECTION)
    monkeypatch.setattr(compare_module, "read_messages", lambda *_, **__: QueueContents({}, {}))
    monkeypatch.setattr(compare_module, "view_of", lambda *_: absent)
    answer = run("compare", key.chroma_id)
    assert answer.exit_code == 2
    assert f"there is no {key.chroma_id}" in answer.stderr
    waits = replace(absent, messages=[Waiting("stream dead letters", "id", None, "a reason")])
    monkeypatch.setattr(compare_module, "view_of", lambda *_: waits)
    assert run("compare", key.chroma_id).exit_code == 0


@pytest.mark.parametrize(
    ("one", "names"),
    [
        (
            DeadLetter("id", change_body(), {"message_id": "was"}),
            ["was", "IMAGE#img#RECEIPT#00001"],
        ),
        (dead_letter(to_body(DELTA), None, "id"), [DELTA.delta_id]),
        (dead_letter({"dynamodb": {"Keys": KEYS}}, None, "id"), ["IMAGE#img#RECEIPT#00001"]),
        (dead_letter({"dynamodb": {"Keys": MALFORMED}}, None, "id"), []),
        (
            dead_letter({"dynamodb": {"Keys": MALFORMED, "SequenceNumber": "0017"}}, None, "id"),
            ["17"],
        ),
        (dead_letter(FAILURE, None, "id"), ["100", "102"]),
        (dead_letter("junk", None, "id"), []),
    ],
)
def test_a_dead_letter_is_traced_by_what_the_logs_call_it(
    one: DeadLetter, names: Sequence[str]
) -> None:
    sources = [
        source_of(Which.COMPACTION, dead_letters(dead_letter("junk", None, "other"))),
        source_of(Which.STREAM, dead_letters(one)),
    ]
    assert names_in_logs(sources, "id") == names
    assert names_in_logs(sources, "unknown-id") == []


@pytest.mark.parametrize("command", ["explain", "restore"])
def test_a_dead_letter_that_is_not_there_is_named_and_is_no_all_clear(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compaction(monkeypatch, dead_letter(change_body(), "x", "there"))
    answer = run("dlq", command, "unknown-id", "there")
    assert answer.exit_code == 1
    assert "not found unknown-id" in answer.stdout
    assert "no dead letters" not in run("dlq", command, "unknown-id").stdout
    answer = run("dlq", command, "unknown-id", "--json")
    assert (answer.exit_code, json.loads(answer.stdout)["unknown"]) == (1, ["unknown-id"])


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_a_deleted_delta_of_several_dead_letters_is_counted_once(
    monkeypatch: pytest.MonkeyPatch, dry_run: list[str]
) -> None:
    """The dry run counted it once for each dead letter."""
    compaction(monkeypatch, *(dead_letter(to_body(DELTA), "gone", name) for name in "ab"))
    state = Deltas(deleted=True)
    monkeypatch.setattr(tasks, "delta_state_of", lambda *_: state)
    monkeypatch.setattr(tasks, "snapshot_readers", lambda _: nullcontext({}))
    answer = run("dlq", "restore", "--json", *dry_run)
    assert json.loads(answer.stdout)["restored"] == [DELTA.delta_key]


LONE_HALF = {"dynamodb": {"Keys": {**KEYS, "PK": {"S": "IMAGE#\ud800"}}}}
"""JSON can name half a surrogate pair, which no encoding of Unicode has."""


def test_a_dead_letter_that_names_no_character_is_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compaction(monkeypatch, dead_letter(LONE_HALF, "x", "odd"))
    answer = run("dlq", "explain")
    assert answer.exit_code == 1
    assert "IMAGE#\\ud800#RECEIPT" in answer.stdout
    answer = run("dlq", "explain", "--json")
    assert json.loads(answer.stdout)["dead_letters"][0]["keys"][0].startswith("IMAGE#\ud800#")


@pytest.mark.parametrize("is_left", [True, False])
def test_a_replay_by_comparison_says_that_records_are_left(
    is_left: bool, stream: InMemoryDeadLetterQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ended with 1, and all it said was "3 repairs sent"."""
    stream.dead_letters = {"part": stream.dead_letters["part"]}

    def gone(*_: object, **__: object) -> None:
        raise StreamGoneError("gone")

    monkeypatch.setattr(replay_tasks, "replay", gone)
    monkeypatch.setattr(
        replay_tasks, "repair_whole_table", lambda *_, **__: Summary(3, is_left, {})
    )
    answer = run("replay")
    assert ("can't repair some records" in answer.stdout) is is_left
    assert answer.exit_code == int(is_left), answer.output
