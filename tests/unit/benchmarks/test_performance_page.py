"""docs/performance.md shows every promised target with the measured figure."""

from benchmarks.reporting.document import BEGIN, END, PAGE, PLOT
from benchmarks.reporting.targets import TARGETS, verdict_table, verdicts

PROMISED = {
    "cycle 50000 time naive/ours": 20,
    "cycle 50000 bytes naive/ours": 1_000,
    "cycle 50000 growth": 2,
    "apply rate to the limit": 0.5,
    "apply rate": 1_000,
    "stream 1000 ours/naive": 5,
    "stream 1000 rate": 20_000,
    "freshness 100 p95": 2,
    "freshness 100 backlog": 0,
    "calls scattered": 60,
    "import compactor": 1.2,
    **{
        f"{name} {figure}": wanted
        for name in ("receipt_lines", "receipt_words")
        for figure, wanted in (("least recall", 0.999), ("missed", 0), ("p50 to the default", 1))
    },
}


def measured() -> str:
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def test_the_targets_are_those_that_were_promised() -> None:
    assert {target.key: target.wanted for target in TARGETS} == PROMISED


def test_the_page_has_a_row_with_a_figure_for_every_target() -> None:
    rows = [line for line in measured().splitlines() if line.startswith("| ")]
    for text, wanted, *_ in verdict_table(verdicts({})).rows:
        (row,) = [row for row in rows if row.startswith(f"| {text} | {wanted} |")]
        assert "not measured" not in row


def test_the_plot_is_there_and_on_the_page() -> None:
    assert PLOT.read_text().lstrip().startswith("<?xml")
    assert f"]({PLOT.name})" in PAGE.read_text()
