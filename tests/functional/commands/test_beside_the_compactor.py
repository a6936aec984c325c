"""Each command that deletes or overwrites loses nothing while the compactor works."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from local.stack import Stack
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_sync.keys import Collection, parse_chroma_id
from tests.functional.operator import Operator
from tests.functional.recorded_calls import NOT_OF_THE_COMMAND
from tests.unit.receipt_ops.terminal.test_commands import COMMANDS, options

SEED = "47"
DESTRUCTIVE = {
    "repair": "--wait 60",
    "dlq redrive": "",
    "dlq drop": "LETTER",
    "lock release": "receipt_lines --force",
    "snapshot restore": "receipt_lines VERSION",
    "snapshot gc": "receipt_lines",
    "snapshot rebuild": "receipt_lines",
    "flags set": "--no-queue",
}
QUICK = {"dlq drop", "lock release"}
"""Commands that `make test` tries; `make test-all` tries all."""
ELSEWHERE = {"alerts unsubscribe"}
"""Commands that end a subscription of the alarms. They do not touch the compactor's data."""


@pytest.fixture(scope="module")
def operator(deployed: Stack) -> Operator:
    operator = Operator.of(deployed)
    operator.command("create-test-receipts", "--count", "3", "--seed", SEED)
    operator.settled()
    return operator


@contextmanager
def traffic(operator: Operator) -> Iterator[list[str]]:
    """Change a line five times a second. Yield the changed ids after the first change."""
    with operator.reader(Collection.LINES) as reader:
        ids = sorted(reader.ids())
    changed: list[str] = []
    begun, over = threading.Event(), threading.Event()

    def write() -> None:
        editor = TableEditor(operator.connection.dynamodb, operator.connection.names.table)
        while not over.wait(0.2):
            chroma_id = ids[len(changed) % len(ids)]
            editor.update(parse_chroma_id(chroma_id), {"is_noise": len(changed) % 2 == 0})
            changed.append(chroma_id)
            if len(changed) >= 5:
                begun.set()

    writer = threading.Thread(target=write, name=NOT_OF_THE_COMMAND)
    writer.start()
    try:
        assert begun.wait(30)
        yield changed
    finally:
        over.set()
        writer.join()


def test_every_command_that_asks_first_is_tried_here() -> None:
    asking = {name for name in COMMANDS if "--yes" in options(name)}
    assert asking | {"repair"} == set(DESTRUCTIVE) | ELSEWHERE


def _marked(command: str) -> object:
    return command if command in QUICK else pytest.param(command, marks=pytest.mark.long)


@pytest.mark.parametrize("command", [_marked(command) for command in DESTRUCTIVE])
def test_beside_a_running_compactor_it_loses_no_change(command: str, operator: Operator) -> None:
    letter = operator.park("compaction", {"source": "weather_report"}, "unknown source")
    shown = operator.json("snapshot", "show")["receipt_lines"]["version"]
    arguments = DESTRUCTIVE[command].replace("LETTER", letter).replace("VERSION", str(shown))
    yes = ["--yes"] if "--yes" in options(command) else []
    with traffic(operator) as changed:
        answer = operator.command(*command.split(), *arguments.split(), *yes, code=None)
        assert "unexpected" not in answer.stderr
        at_the_end = len(changed)
        while len(changed) < at_the_end + 5:
            time.sleep(0.1)
    operator.command("flags", "set", "--queue", "--yes")
    operator.command("dlq", "drop", letter, "--yes", code=None)
    if command == "snapshot restore":
        operator.command("repair", "--wait", "60", code=None)
    assert operator.settled()["different"] == 0
