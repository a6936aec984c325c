"""A long run can be stopped and continued, and reports its counts."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.reliability.simulation import campaign
from tests.reliability.simulation.__main__ import app
from tests.reliability.simulation.campaign import Summary, load, run_all, save


def test_a_run_goes_on_where_it_was_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign, "CHUNK", 5)
    path = tmp_path / "state.json"
    stopped = next(run_all(load(path), 10, 1))
    save(stopped, path)
    *_, resumed = run_all(load(path), 10, 1)
    *_, whole = run_all(Summary(), 10, 1)
    assert (stopped.next_seed, whole.histories) == (5, 10)
    assert resumed.to_json() == whole.to_json()


def test_a_summary_of_other_code_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    save(Summary(histories=5, next_seed=5), path)
    monkeypatch.setattr(campaign, "_code", lambda: "changed")
    assert load(path).next_seed == 0


def test_a_run_ends_when_its_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "CHUNK", 5)
    path = tmp_path / "state.json"
    options = ["--histories", "1000", "--processes", "1", "--minutes", "0", "--state", str(path)]
    done = CliRunner().invoke(app, options)
    assert done.exit_code == 0
    assert load(path).next_seed == 5
