"""The cost model, and that the page about costs shows what it computes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from typer.testing import CliRunner

from receipt_ops.costs.counts import MONTH_SECONDS, Counts, Memory, counted
from receipt_ops.costs.model import SCALES, by_scale, estimate
from receipt_ops.costs.plot import PlotError, plot
from receipt_ops.costs.prices import Prices, PricesError
from receipt_ops.logs.invocation_reports import billed_ms
from receipt_ops.logs.log_events import LogLine
from receipt_ops.terminal.cli import main

PROJECT = Path(__file__).resolve().parents[4]
PAGE = PROJECT / "docs/cost-analysis/stream-integration-costs.md"
MEASURED = ("counts-of-single-changes.json", "counts-of-a-burst.json")
COUNTS = Counts(
    seconds=60,
    changes=1_000,
    stream_invocations=10,
    stream_gb_seconds=2,
    compactor_invocations=20,
    compactor_gb_seconds=40,
    cycles=30,
    messages=50,
    items_read=2_000,
    bytes_published=1e6,
    log_bytes=1e5,
)


def parts(
    changes: float, counts: Counts = COUNTS, prices: Prices | None = None
) -> Mapping[str, float]:
    return estimate(counts, changes, prices or Prices()).parts


def test_a_component_costs_its_count_times_its_price() -> None:
    found = parts(1_000_000)
    assert found["DynamoDB stream"] == 0
    assert found["compactor"] == pytest.approx(20_000 * 0.2e-6 + 40_000 * 0.0000166667)
    assert found["stream processor"] == pytest.approx(10_000 * 0.2e-6 + 2_000 * 0.0000166667)
    assert found["table"] == pytest.approx(2_000_000 * 0.125e-6 + 2 * 30_000 * 0.625e-6)
    assert found["logs"] == pytest.approx(0.1 * 0.5)
    assert found["traces"] == pytest.approx(30_000 * 5e-6)
    assert found["SQS"] == pytest.approx(0.4e-6 * (648_000 + 3 * 50_000))


def test_what_is_merely_there_costs_the_same_at_every_scale() -> None:
    small, large = parts(1_000), parts(10_000_000)
    assert small["metrics, alarms, dashboard"] == large["metrics, alarms, dashboard"]
    grown = {name for name in small if large[name] > small[name]}
    assert {"compactor", "stream processor", "SQS", "table", "snapshots", "logs"} <= grown


def test_a_change_costs_less_at_a_larger_scale() -> None:
    found = by_scale(COUNTS, SCALES, Prices())
    per_change = [one.per_change for one in found]
    assert per_change == sorted(per_change, reverse=True)
    assert all(one.total == pytest.approx(sum(one.parts.values())) for one in found)


def test_counts_are_scaled_to_a_month_in_proportion() -> None:
    month = COUNTS.of_a_month(3_000)
    assert (month.seconds, month.changes, month.cycles) == (MONTH_SECONDS, 3_000, 90)
    with pytest.raises(PricesError, match="no change"):
        replace(COUNTS, changes=0).of_a_month(1)


def test_prices_of_a_file_stand_over_the_usual_ones(tmp_path: Path) -> None:
    file = tmp_path / "prices.json"
    file.write_text('{"lambda_gb_second": 0.001}')
    prices = Prices.read(file)
    assert (prices.lambda_gb_second, prices.s3_put) == (0.001, Prices().s3_put)
    for wrong in ('{"lambda_gb_second": -1}', '{"unheard": 1}', "junk"):
        file.write_text(wrong)
        with pytest.raises(PricesError, match="not a JSON object of prices"):
            Prices.read(file)


def test_counts_are_written_and_read_again(tmp_path: Path) -> None:
    file = tmp_path / "counts.json"
    file.write_text(json.dumps(asdict(COUNTS)))
    assert Counts.read(file) == COUNTS
    with pytest.raises(PricesError, match="--save-counts"):
        Counts.read(tmp_path / "nowhere.json")


def line(content: Mapping[str, Any]) -> LogLine:
    return LogLine(datetime(2026, 1, 1, tzinfo=UTC), "f", json.dumps(content), "", content)


def text(words: str) -> LogLine:
    return LogLine(datetime(2026, 1, 1, tzinfo=UTC), "f", words, "", None)


def report(billed: float, status: str = "success") -> LogLine:
    """Return a report of a function that logs in JSON."""
    metrics = {"durationMs": billed - 0.4, "billedDurationMs": billed, "memorySizeMB": 2048}
    record = {"requestId": "r", "metrics": metrics, "status": status}
    return line({"time": "t", "type": "platform.report", "record": record})


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "true", '"7"', "null"])
def test_counts_that_nothing_can_have_are_refused(tmp_path: Path, value: str) -> None:
    """A table of nan and of negative dollars was shown."""
    file = tmp_path / "counts.json"
    file.write_text(json.dumps({**asdict(COUNTS), "cycles": "X"}).replace('"X"', value))
    with pytest.raises(PricesError, match="is not a readable file of counts"):
        Counts.read(file)


def test_a_part_of_one_change_is_no_count_to_scale_from() -> None:
    with pytest.raises(PricesError, match="at least one"):
        replace(COUNTS, changes=1e-320).of_a_month(1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has this device")
def test_a_full_disk_of_a_named_file_is_named(tmp_path: Path) -> None:
    """The sentence advised another TMPDIR."""
    file = tmp_path / "counts.json"
    file.write_text(json.dumps(asdict(COUNTS)))
    answer = CliRunner().invoke(main, ["cost", "--counts", str(file), "--save-counts", "/dev/full"])
    assert answer.exit_code == 2
    assert "the disk of /dev/full is full" in answer.stderr


def test_counts_come_from_the_reports_and_metric_lines_of_both_logs() -> None:
    stream = [
        line({"_aws": {}, "SQSMessagesQueued": 3}),
        line({"message": "batch processed", "changes": 7}),
        report(500),
        report(500),
    ]
    compactor = [
        line({"_aws": {}, "CompactionDuration": [1000, 2000], "TableItemsRead": [4, 5]}),
        line({"_aws": {}, "BytesPublished": 100}),
        line({"message": "batch handled", "request_id": "a"}),
        report(3_500),
    ]
    found = counted(stream, compactor, Memory(512, 2048), 60)
    assert (found.changes, found.messages, found.stream_invocations) == (7, 3, 2)
    assert found.stream_gb_seconds == pytest.approx(0.5)
    assert found.compactor_gb_seconds == pytest.approx(7)
    assert (found.cycles, found.items_read, found.bytes_published) == (2, 9, 100)
    assert found.compactor_invocations == 1
    assert found.log_bytes > 0


def test_an_invocation_that_lambda_ended_is_billed_too() -> None:
    """It writes no metric, so it cost nothing in the estimate."""
    compactor = [
        report(1_000),
        text("2026-01-01T00:00:00Z r-2 Task timed out after 300.00 seconds"),
        report(300_000, "timeout"),
        text(
            "REPORT RequestId: r-3\tDuration: 2000.00 ms\tBilled Duration: 2001 ms\tMemory Size: "
            "2048 MB\tMax Memory Used: 2048 MB\tStatus: error\tError Type: Runtime.OutOfMemory"
        ),
    ]
    found = counted([], compactor, Memory(512, 2048), 60)
    assert found.compactor_invocations == 3
    assert found.compactor_gb_seconds == pytest.approx(2 * 303.001)


def test_a_log_with_metrics_and_without_reports_has_an_unknown_cost() -> None:
    lines = [line({"_aws": {}, "CompactionDuration": 1000})]
    with pytest.raises(PricesError, match=r"log of the compactor .* no report of Lambda"):
        counted([], lines, Memory(512, 2048), 60)


@pytest.mark.parametrize(
    "content",
    [
        {"type": "platform.report"},
        {"type": "platform.report", "record": {"metrics": {"billedDurationMs": "1"}}},
        {"type": "platform.start", "record": {"metrics": {"billedDurationMs": 1}}},
    ],
)
def test_a_line_that_is_no_report_is_not_billed(content: dict[str, Any]) -> None:
    assert billed_ms(line(content)) is None
    assert billed_ms(text("a REPORT RequestId: r Billed Duration: 5 ms")) is None


def test_a_log_of_a_month_is_added_up_and_not_kept() -> None:
    kept: list[int] = []
    alive: WeakSet[Held] = WeakSet()

    def log() -> Iterator[LogLine]:
        yield report(1)
        for number in range(2_000):
            content = Held({"_aws": {}, "TableItemsRead": number, "request_id": str(number)})
            alive.add(content)
            yield line(content)
            kept.append(len(alive))

    found = counted(log(), log(), Memory(512, 2048), 60)
    assert found.items_read == sum(range(2_000))
    assert max(kept) < 10


class Held(dict[str, Any]):
    """A line that can be watched until no reference is left."""

    __hash__ = object.__hash__  # type: ignore[assignment]


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_plot_is_a_picture_of_every_scale(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"cost.{ending}"
    plot(by_scale(COUNTS, SCALES, Prices()), path)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG" if ending == "png" else b"<?xml")
    with pytest.raises(PlotError, match="can't be written"):
        plot(by_scale(COUNTS, SCALES, Prices()), tmp_path / "nowhere" / "x.svg")


def test_cost_asks_no_aws_for_counts_of_a_file(tmp_path: Path) -> None:
    file, saved = tmp_path / "counts.json", tmp_path / "saved.json"
    file.write_text(json.dumps(asdict(COUNTS)))
    arguments = ["cost", "--counts", str(file), "--save-counts", str(saved), "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert [scale["changes"] for scale in content["scales"]] == list(SCALES)
    assert Counts.read(saved) == COUNTS


def test_of_more_than_one_invocation_a_second_one_in_twenty_is_traced() -> None:
    many = replace(COUNTS, stream_invocations=1_000, compactor_invocations=0)
    assert parts(10_000_000, many)["traces"] == pytest.approx(
        5e-6 * (MONTH_SECONDS + 0.05 * (10_000_000 - MONTH_SECONDS))
    )


def test_the_page_shows_what_the_model_computes_from_its_counts() -> None:
    page = PAGE.read_text()
    least, most = (
        by_scale(Counts.read(PAGE.parent / name), SCALES, Prices()) for name in reversed(MEASURED)
    )
    for low, high in zip(least, most, strict=True):
        assert low.total <= high.total
        assert f"| {low.changes:,.0f} | {low.total:,.2f} | {high.total:,.2f} |" in page
    for name, value in most[2].parts.items():
        assert f"| {name} | {value:,.2f} |" in page
    assert (PAGE.parent / "cost-by-scale.svg").exists()
