"""The table of commands, against the commands that it names."""

import inspect
from importlib.metadata import version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from receipt_ops.terminal.cli import main
from receipt_ops.terminal.command_table import COMMANDS

ROOT: Any = typer.main.get_command(main)


def run(*arguments: str, **environment: str) -> Result:
    wide = {"COLUMNS": "300", "NO_COLOR": "1", **environment}
    return CliRunner().invoke(main, list(arguments), env=wide, prog_name="receipt-sync")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_summary_is_the_first_paragraph_of_the_help(name: str) -> None:
    paragraph = inspect.cleandoc(ROOT.commands[name].help).split("\n\n")[0]
    assert COMMANDS[name].summary == " ".join(paragraph.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_is_called_has_the_name_of_the_table(name: str) -> None:
    assert ROOT.commands[name].name == name


def test_help_lists_every_command_with_its_summary_in_the_order_of_the_table() -> None:
    shown = run("--help").stdout
    places = [shown.index(f"{name} ", shown.index("Commands")) for name in COMMANDS]
    assert places == sorted(places)
    assert all(one.summary in shown for one in COMMANDS.values())


def test_a_name_that_is_misspelt_is_answered_with_the_nearest() -> None:
    answer = run("verfy")
    assert answer.exit_code == 2
    assert "No such command 'verfy'. Did you mean 'verify'?" in answer.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("", list(COMMANDS)),
        ("l", ["load", "logs", "latency", "lock"]),
        ("lock ", ["show", "release"]),
        ("lock show --", ["--lock-id", "--json", "--help"]),
    ],
)
def test_the_shell_completes_commands_and_options(words: str, offered: list[str]) -> None:
    line = f"receipt-sync {words}"
    answer = run(
        _RECEIPT_SYNC_COMPLETE="complete_bash",
        COMP_WORDS=line,
        COMP_CWORD=str(line.count(" ")),
    )
    assert sorted(answer.stdout.split()) == sorted(offered)


def test_version_prints_the_version_of_the_package() -> None:
    answer = run("--version")
    assert (answer.exit_code, answer.stdout) == (
        0,
        f"receipt-sync {version('receipt-chroma-sync')}\n",
    )
