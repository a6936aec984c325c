"""The output of the command. tests/e2e holds the runs themselves."""

import json
from pathlib import Path

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from loadtest.cli import load_test
from loadtest.options import Options
from loadtest.report.progress import Progress
from tests.unit.loadtest.recorded import moment

APP = typer.Typer()
APP.command()(load_test)


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(tmp_path: Path) -> None:
    state = tmp_path / "state"
    done = CliRunner().invoke(
        APP, ["--dry-run", "--json", "--base", "4", "--rate", "20", "--state", str(state)]
    )
    assert done.exit_code == 0
    plan = json.loads(done.stdout)
    assert plan["receipts at the start"] == 4
    assert plan["items at the start"] > plan["vectors at the start"] > 4
    assert not state.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--mix", "lines=3"], "the mix names 'lines'"),
        (["--rate", "0"], "--rate must be"),
        (["--receipts", "/nowhere.jsonl"], "there is no file /nowhere.jsonl"),
    ],
)
def test_a_wrong_option_ends_in_a_sentence(arguments: list[str], sentence: str) -> None:
    done = CliRunner().invoke(APP, arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_in_a_pipe_a_line_reports_the_run_now_and_then() -> None:
    console = Console(record=True, width=200)
    progress = Progress(console)
    progress.begin(Options(seconds=30))
    for second in range(25):
        progress.moment(moment(second, outstanding=7))
    progress.settling()
    progress.moment(moment(40, outstanding=2, never=1))
    progress.end()
    lines = console.export_text().splitlines()
    assert len(lines) == 4
    assert "writing 20 of 30 s: 10 changes/s asked, 200 written, 180 visible, 7 not yet" in lines[2]
    assert "settling" in lines[3]
    assert "1 never" in lines[3]
