"""Every benchmark runs at a tiny size, which measures no speed, and returns its figures."""

import gc
import math
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
from benchmarks.cases import apply_rate, calls, cold, freshness, stream
from benchmarks.meters import snapshots
from benchmarks.meters.package_runtime import PackageRuntime
from benchmarks.names import Name
from benchmarks.reporting.report import Report
from benchmarks.reporting.results import read_result, result_of, write_result
from benchmarks.reporting.screen import progress_bars
from benchmarks.reporting.targets import TARGETS
from benchmarks.scale import QUICK
from tests.functional.plausible import implausible

TINY = replace(
    QUICK,
    sizes=(100, 120),
    apply_size=120,
    apply_changes=100,
    rounds=1,
    rates=(100,),
    seconds=1,
    search_receipts=5,
    search_queries=20,
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
    reload(stream_processor.handler)  # drops the settings of a benchmark


def run(name: Name) -> Report:
    with progress_bars() as bars:
        report: Report = import_module(f"benchmarks.cases.{name}").run(TINY, bars)
    return report


def _marked(name: Name) -> object:
    """Freshness deploys the functions and waits for them."""
    return pytest.param(name, marks=pytest.mark.long) if name is Name.FRESHNESS else name


@pytest.mark.parametrize("name", [_marked(name) for name in Name if name is not Name.COLD])
def test_it_runs_and_its_figures_are_those_that_the_targets_look_up(name: Name) -> None:
    report = run(name)
    wanted = {target.key for target in TARGETS if target.by is name}
    found = {key.replace("cycle 120 ", "cycle 50000 ") for key in report.figures}
    assert wanted <= found
    assert implausible(name, report.figures) == []
    assert all(table.rows for table in report.tables)


_CYCLE = {
    "cycle 100 seconds": 0.2,
    "cycle 100 growth": 1.0,
    "cycle 100 bytes naive/ours": 13.7,
    "cycle 120 seconds": 0.4,
    "cycle 120 growth": 2.0,
    "cycle 120 bytes naive/ours": 14.9,
}
_STEPS = {"step whole": 1.0, "step read": 0.5, "step … of it": 0.4, "step put": 0.4}
_CALLS = {
    "calls scattered": 18.0,
    "usd per million, scattered, a field": 0.75,
    "usd per million, scattered, a text": 0.97,
}


@pytest.mark.parametrize(
    ("name", "sound", "key", "wrong", "sentence"),
    [
        (Name.CYCLE, _CYCLE, "cycle 120 growth", 1.0, "the growth at 120 is not 2.0"),
        (Name.CYCLE, _CYCLE, "cycle 100 bytes naive/ours", 0.9, "as much as a whole snapshot"),
        (Name.STEPS, _STEPS, "step put", 0.8, "the steps take 1.30 of the whole"),
        (Name.STEPS, _STEPS, "step read", 0.01, "the steps take 0.41 of the whole"),
        (Name.CALLS, _CALLS, "calls scattered", 61.0, "61.0 calls"),
        (Name.CALLS, _CALLS, "usd per million, scattered, a text", 0.7, "costs no more"),
        (Name.SEARCH, {"x least recall": 1.0}, "x least recall", 1.1, "no more than all"),
        (Name.STREAM, {"stream 100 rate": 1.0}, "stream 100 rate", 0.0, "stream 100 rate is 0.0"),
        (Name.STREAM, {"stream 100 rate": 1.0}, "stream 100 rate", math.nan, "is nan"),
    ],
)
def test_a_figure_that_can_not_be_right_is_named(
    name: Name, sound: dict[str, float], key: str, wrong: float, sentence: str
) -> None:
    assert implausible(name, sound) == []
    assert any(sentence in said for said in implausible(name, {**sound, key: wrong}))


def test_a_start_of_the_package_is_timed_in_a_process_of_its_own() -> None:
    sources = Path(cold.__file__).parents[2] / "src"
    start = cold.Start(
        PackageRuntime(sys.executable, Path(get_path("purelib"))),
        sources,
        ("stream_processor.handler",),
    )
    for _ in range(2):
        start.run()
    assert 0 < start.median("import") < 60


def test_a_result_is_kept_and_found_again(tmp_path: Path) -> None:
    with patch("benchmarks.reporting.results.RESULTS", tmp_path):
        written = result_of(Name.STREAM, Report([], {"figure": 1.0}), TINY, "command")
        write_result(written)
        assert read_result(Name.STREAM)["figures"] == {"figure": 1.0}
