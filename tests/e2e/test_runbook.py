"""Every command of the runbook runs as the page writes it, and does what the page says."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from ulid import ULID

from receipt_index.deltas import VectorBatch, encode
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity
from receipt_ops.terminal.cli import main
from receipt_sync.fields import EMBEDDED
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta, to_body
from tests.e2e.conftest import System
from tests.functional.embedding_pipeline import Producer
from tests.functional.operator import Operator

PROJECT = Path(__file__).resolve().parents[2]
RUNBOOK = (PROJECT / "docs/operations/runbook.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", RUNBOOK, re.M | re.S))
DAMAGED = "Compaction-SnapshotDamaged"
POISONED = "CompactionDeadLetters-NotEmpty"
LINE = EntityKey("runbook-test", 1, 1)
TEXT = "RUNBOOK 1.00"


def commands_of(section: str) -> list[str]:
    """Return the command lines of a section's blocks, without `receipt-sync`."""
    blocks = re.findall(r"```sh\n(.*?)```", SECTIONS[section], re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    assert SECTIONS[section].count("```") == 2 * len(blocks), section
    assert all(line.startswith("receipt-sync ") for line in lines), lines
    return [line.removeprefix("receipt-sync ") for line in lines]


@pytest.fixture(scope="module")
def operator(system: System, tmp_path_factory: pytest.TempPathFactory) -> Operator:
    operator = Operator.of(system.stack)
    operator.command("load", "--synthetic", "2", "--seed", "4")
    operator.settled()
    operator.connection.sns.create_topic(Name="receipt-sync-alarms-e2e")
    return operator


@pytest.fixture
def message_id(system: System, operator: Operator) -> str:
    """Return the id of a dead letter whose delta object was deleted before it was applied."""
    system.writer.put([Entity(LINE, {"text": TEXT, "embedding_status": EMBEDDED})])
    delta = Delta.of(Collection.LINES, str(ULID()), 1)
    content = encode(VectorBatch(delta.delta_id, (LINE.chroma_id,), embed([TEXT]), (TEXT,)))
    s3, bucket = system.connection.s3, system.connection.names.bucket
    s3.put_object(Bucket=bucket, Key=delta.delta_key, Body=content)
    s3.delete_object(Bucket=bucket, Key=delta.delta_key)
    system.connection.sqs.send_message(
        QueueUrl=system.connection.names.compaction_queue_url, MessageBody=to_body(delta)
    )
    return operator.dead_letter(delta.delta_id)


def filled(command: str, operator: Operator, message_id: str) -> list[str]:
    """Return a command in which placeholders such as MESSAGE_ID have the values shown before."""
    shown = operator.json("snapshot", "show")["receipt_lines"]["version"]
    places = {
        "MESSAGE_ID": message_id,
        "ENTITY": LINE.chroma_id,
        "VERSION": str(shown - 1),
    }
    for place, value in places.items():
        command = command.replace(place, value)
    words = shlex.split(command)
    return [*words, "--yes"] if asks(words) else words


def asks(words: list[str]) -> bool:
    """Return whether the command asks for confirmation at a terminal."""
    command: Any = typer.main.get_command(main)
    for word in words[:2]:
        command = getattr(command, "commands", {}).get(word, command)
    return "--yes" in {option for one in command.params for option in one.opts}


def test_a_poison_message_is_explained_repaired_redriven_and_applied_by_the_runbook_alone(
    operator: Operator, message_id: str
) -> None:
    assert operator.json("verify", code=1)["missing"] == 1
    said: dict[str, str] = {}
    for command in commands_of(POISONED):
        if command.startswith("dlq drop"):
            break
        answer = operator.command(*filled(command, operator, message_id), code=None)
        assert answer.code in (0, 1), answer
        said[command] = answer.stdout
    assert "there is no object deltas/receipt_lines/" in said["dlq explain"]
    assert "receipt-sync dlq restore" in said["dlq explain"]
    assert "1 delta objects restored" in said["dlq restore"]
    assert "1 dead letters moved" in said["dlq redrive"]
    assert "table and snapshot agree" in said["verify --wait 120"]
    assert operator.json("compare", LINE.chroma_id)["finding"] == "equal"
    assert operator.json("dlq", "show")["dead_letters"] == []


def test_a_restore_by_the_runbook_loses_no_vector_that_was_acknowledged_since(
    operator: Operator,
) -> None:
    """The oracle is the producer's record of the last vector that it sent for each id."""
    producer = Producer(operator)
    keys = [EntityKey("runbook-way-back", 1, number) for number in range(1, 13)]
    producer.put(keys[:8], "FIRST")
    producer.embed(keys[:8], "FIRST", axis=1)
    producer.arrived()
    before = operator.json("snapshot", "show")["receipt_lines"]["version"]
    producer.story(keys)
    commands = commands_of(DAMAGED)
    restore_commands = [c for c in commands if c.startswith("snapshot restore")]
    restore_commands += [c for c in commands if c in ("repair --wait 120", "verify")]
    assert [c.split()[0] for c in restore_commands] == [
        "snapshot",
        "snapshot",
        "snapshot",
        "snapshot",
        "repair",
        "verify",
        "repair",
    ]
    for command in restore_commands:
        words = filled(command.replace("VERSION", str(before)), operator, "unknown-id")
        answer = operator.command(*words, code=0)
    assert producer.published() == producer.last, answer
    producer.gone(keys)


def test_every_command_of_the_runbook_can_be_run(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run each command once, in the runbook's order. Run switching commands at each place."""
    monkeypatch.chdir(tmp_path)  # backfill keeps its position here
    run: set[str] = set()
    for command in (command for section in SECTIONS for command in commands_of(section)):
        if command in run and not command.startswith("flags set"):
            continue
        answer = operator.command(*filled(command, operator, "unknown-id"), code=None)
        assert answer.code in (0, 1), (command, answer)
        run.add(command)
    assert len(run) > 30
    # The runbook says so for each section in which flags were off.
    operator.command("repair", code=None)
    assert operator.settled()["different"] == 0


def test_every_alarm_has_its_section() -> None:
    alarms = (PROJECT / "terraform/alarms.tf").read_text()
    names = re.findall(r"^    ([A-Z]\w+-\w+) = \{", alarms, re.M)
    assert len(names) > 10
    assert set(names) <= set(SECTIONS)
