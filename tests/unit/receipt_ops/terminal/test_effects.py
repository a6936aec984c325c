"""The declarations of what each command does, against the commands themselves."""

import inspect
import re

import pytest

from receipt_ops.terminal.command_table import EFFECTS
from receipt_ops.terminal.effects import Part
from receipt_ops.terminal.exit_codes import ExitCode
from tests.unit.receipt_ops.terminal.test_commands import COMMANDS, WRITING, options

NOTES_ON_THE_WAY = {"verify", "compare", "cost"}
"""What they write is a note, a copy of a worn message with --peek, and the files that are named."""


def test_every_command_has_a_declaration_and_every_declaration_a_command() -> None:
    assert set(EFFECTS) == set(COMMANDS)


def test_what_is_declared_to_write_can_be_tried_dry() -> None:
    writing = {name for name, one in EFFECTS.items() if one.writes}
    assert writing - NOTES_ON_THE_WAY == WRITING


def test_what_deletes_asks_first() -> None:
    asking = {name for name in EFFECTS if "--yes" in options(name)}
    assert all(EFFECTS[name].writes for name in asking)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_verdict_is_declared_where_the_help_names_one(command: str) -> None:
    """By the help; tests/functional/operator.py checks each exit code that a test sees."""
    text = " ".join(inspect.cleandoc(COMMANDS[command].help or "").split())
    seen = re.search(r"Exit code 0: .* 1: ", text) is not None
    seen = seen or "--limit exits" in text
    assert seen == (ExitCode.VERDICT in EFFECTS[command].codes)


def test_every_part_is_used() -> None:
    used = {part for one in EFFECTS.values() for part in (*one.reads, *one.writes)}
    assert used == set(Part)
