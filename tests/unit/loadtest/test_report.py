"""The verdict of a run and its report."""

import json
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from loadtest.kinds import Kind
from loadtest.options import Options
from loadtest.report.figures import figures_of
from loadtest.report.outcome import Outcome
from loadtest.report.page import write_report
from loadtest.report.plots import plots
from loadtest.report.screen import show
from loadtest.watcher.recording import End, Recorded
from receipt_ops.verification.verdict import CollectionCounts, Finding, Verdict
from receipt_sync.keys import Collection
from tests.unit.loadtest.recorded import BEGAN_AT, LATENCY, record, sighting

END = End(BEGAN_AT, BEGAN_AT + 10, 125, 13, LATENCY, 31.25, "the backlog grew")


@pytest.fixture
def recorded(tmp_path: Path) -> Recorded:
    some = [sighting(number, 0.1 * number) for number in range(1, 60)]
    record(tmp_path, [*some, sighting(3, 1.5, Kind.MERCHANT)], END)
    return Recorded.read(tmp_path)


def verdict(**findings: int) -> Verdict:
    counts = CollectionCounts(
        version=3, records=70, findings=Counter({Finding(k): n for k, n in findings.items()})
    )
    return Verdict({Collection.LINES: counts, Collection.WORDS: CollectionCounts(version=3)}, [])


def outcome(folder: Path, recorded: Recorded, **findings: int) -> Outcome:
    figures = replace(figures_of(recorded), failures=0)
    return Outcome(figures, verdict(**(findings or {"equal": 70})))


def test_a_run_without_faults_has_none(tmp_path: Path, recorded: Recorded) -> None:
    assert outcome(tmp_path, recorded).faults == []


def test_every_fault_is_named(tmp_path: Path, recorded: Recorded) -> None:
    found = outcome(tmp_path, recorded, missing=2, different=1)
    bad = replace(found, figures=replace(found.figures, failures=4, never=7), p95_limit=2)
    assert bad.faults == [
        "4 writes failed",
        "7 changes never arrived",
        "3 differences between table and snapshot",
        "p95 of freshness is 5.60 s, more than 2 s",
    ]
    assert replace(bad, p95_limit=6).faults == bad.faults[:3]


def test_a_run_of_which_nothing_arrived_is_a_fault(tmp_path: Path) -> None:
    record(tmp_path, [], END)
    assert outcome(tmp_path, Recorded.read(tmp_path)).faults == ["no change arrived"]


def test_the_report_holds_figures_verdict_and_plots(tmp_path: Path, recorded: Recorded) -> None:
    found = outcome(tmp_path, recorded, different=1, equal=69)
    write_report(tmp_path, Options(rate=10, out=str(tmp_path)), recorded, found)
    page = (tmp_path / "report.html").read_text()
    cells = cells_of(page)
    row = cells.index("merchant correction")
    assert cells[row : row + 3] == ["merchant correction", "1", "1.50"]
    assert "1 differences between table and snapshot." in page
    assert "Knee:" in page
    assert page.count("<svg") == 4
    assert 'src="' not in page
    assert 'href="http' not in page
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["faults"] == found.faults
    assert figures["verify"]["different"] == 1


def test_plots_are_drawings_with_their_words_as_text(recorded: Recorded) -> None:
    drawn = {plot.name: words_of(plot.svg) for plot in plots(recorded)}
    for name, words in drawn.items():
        assert any(word.startswith("seconds") for word in words), name
    assert {"line edit", "merchant correction"} <= drawn["freshness-distribution"]


def test_plots_of_an_empty_run_can_be_drawn(tmp_path: Path) -> None:
    record(tmp_path, [], END)
    assert len(plots(Recorded.read(tmp_path))) == 4


def test_the_terminal_shows_freshness_and_the_knee(tmp_path: Path, recorded: Recorded) -> None:
    console = Console(record=True, width=120)
    show(outcome(tmp_path, recorded).figures, console)
    text = console.export_text()
    assert "merchant correction" in text
    assert "knee: highest rate that held: 31 changes a second" in text
    assert "Reason for the end: the backlog grew" in text


def words_of(svg: str) -> set[str]:
    return {(element.text or "").strip() for element in ElementTree.fromstring(svg).iter()}


class _Cells(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.cells: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.cells.append(data)
            self._inside = False


def cells_of(page: str) -> list[str]:
    parser = _Cells()
    parser.feed(page)
    return parser.cells
