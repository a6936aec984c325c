"""Every benchmark runs, at a size that says nothing about speed, and finds all of its figures."""

import gc
import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module, reload
from pathlib import Path
from sysconfig import get_path
from types import ModuleType
from typing import Final
from unittest.mock import patch

import boto3
import pytest

import stream_processor.handler
from benchmarks import apply_rate, calls, cold, freshness, snapshots, stream
from benchmarks.names import Name
from benchmarks.package_runtime import PackageRuntime
from benchmarks.report import Report
from benchmarks.results import read_result, result_of, write_result
from benchmarks.scale import QUICK
from benchmarks.screen import progress_bars
from benchmarks.targets import TARGETS

TINY = replace(
    QUICK,
    sizes=(100, 120),
    apply_size=120,
    apply_changes=100,
    rounds=1,
    rates=(100,),
    seconds=1,
    dimension=8,
)
FEWER: Final[tuple[tuple[ModuleType, str, int], ...]] = (
    (apply_rate, "_NAIVE_CHANGES", 5),
    (apply_rate, "_ROUNDS", 1),
    (calls, "_CHANGES", 50),
    (freshness, "_RECEIPTS", 2),
    (stream, "_RECORDS_A_RUN", 2_000),
)


@pytest.fixture(autouse=True)
def _small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(snapshots, "DATA", tmp_path / "data")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for module, name, value in FEWER:
        monkeypatch.setattr(module, name, value)
    yield
    gc.unfreeze()
    reload(stream_processor.handler)  # forgets the settings that a benchmark gave it


def run(name: Name) -> Report:
    with progress_bars() as bars:
        report: Report = import_module(f"benchmarks.{name}").run(TINY, bars)
    return report


@pytest.mark.parametrize("name", [name for name in Name if name is not Name.COLD])
def test_it_runs_and_its_figures_are_those_that_the_targets_look_up(name: Name):
    report = run(name)
    wanted = {target.key for target in TARGETS if target.by is name}
    found = {key.replace("cycle 120 ", "cycle 50000 ") for key in report.figures}
    assert wanted <= found
    assert all(figure >= 0 for figure in report.figures.values())
    assert all(table.rows for table in report.tables)


def test_a_start_of_the_package_is_timed_in_a_process_of_its_own():
    sources = Path(cold.__file__).parents[1] / "src"
    start = cold.Start(
        PackageRuntime(sys.executable, Path(get_path("purelib"))),
        sources,
        ("stream_processor.handler",),
    )
    for _ in range(2):
        start.run()
    assert 0 < start.median("import") < 60


def test_a_result_is_kept_and_found_again(tmp_path: Path):
    with patch("benchmarks.results.RESULTS", tmp_path):
        written = result_of(Name.STREAM, Report([], {"figure": 1.0}), TINY, "command")
        write_result(written)
        assert read_result(Name.STREAM)["figures"] == {"figure": 1.0}
