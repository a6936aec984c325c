"""The figures of a run."""

from pathlib import Path

import pytest

from loadtest.kinds import Kind
from loadtest.report.figures import Figures, figures_of
from loadtest.watcher.recording import End, Recorded
from tests.unit.loadtest.recorded import BEGAN_AT, LATENCY, record, sighting

END = End(BEGAN_AT, BEGAN_AT + 10, 125, 13, LATENCY, 31.25, "the backlog grew")


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    slow = [sighting(number, 0.1 * number) for number in range(1, 101)]
    more = [sighting(1, None, Kind.DELETE), sighting(2, 0.5, Kind.DELETE)]
    record(tmp_path, [*slow, *more], END)
    return figures_of(Recorded.read(tmp_path))


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    sightings = [sighting(1, 0.5), sighting(2, None)]
    record(tmp_path, sightings, END)
    read = Recorded.read(tmp_path)
    assert (read.sightings, read.end, len(read.moments)) == (sightings, END, 12)


def test_a_run_that_did_not_end_is_no_run(tmp_path: Path) -> None:
    record(tmp_path, [], END)
    record(tmp_path, [], END)
    (tmp_path / "end.json").unlink()
    with pytest.raises(FileNotFoundError):
        Recorded.read(tmp_path)


def test_freshness_has_a_row_a_kind_and_one_of_all(figures: Figures) -> None:
    line, delete, everything = figures.freshness
    assert (line.name, line.actions, line.never) == ("line edit", 100, 0)
    assert (line.p50, line.p95, line.p99, line.worst) == pytest.approx((5.0, 9.5, 9.9, 10.0))
    assert (delete.name, delete.actions, delete.never) == ("delete", 2, 1)
    assert delete.p95 == pytest.approx(0.5)
    assert (everything.actions, everything.never) == (102, 1)
    assert figures.overall == everything
    assert figures.never == 1


def test_rates_are_over_the_time_of_writing_and_count_what_followed_the_last_moment(
    figures: Figures,
) -> None:
    assert figures.changes == 125
    assert figures.rate == pytest.approx(12.5)
    assert (figures.irrelevant, figures.failures, figures.vectors) == (20, 2, 13)


def test_latency_is_locusts(figures: Figures) -> None:
    assert [row.name for row in figures.latency] == ["line edit", "burst", "irrelevant"]
    first = figures.latency[0]
    assert (first.writes, first.failures, first.p50, first.p95, first.worst) == (90, 2, 7, 21, 31.5)


def test_the_backlog_is_taken_while_users_write_and_what_never_arrived_has_no_end(
    figures: Figures,
) -> None:
    assert figures.backlog.most_outstanding == 12
    assert figures.backlog.mean_outstanding == pytest.approx(5.5)
    assert figures.backlog.most_messages == 5
    assert figures.backlog.seconds_to_settle is None


def test_it_settles_with_the_last_sighting(tmp_path: Path) -> None:
    record(tmp_path, [sighting(1, 0.5), sighting(99, 3.5), sighting(98, 0.5)], END)
    figures = figures_of(Recorded.read(tmp_path))
    assert figures.backlog.seconds_to_settle == pytest.approx(3.4)


def test_early_and_late_changes_are_separate_figures(figures: Figures) -> None:
    assert figures.early_p95 == pytest.approx(2.4, abs=0.2)
    assert figures.late_p95 == pytest.approx(9.9, abs=0.2)
    assert (figures.held, figures.reason) == (31.25, "the backlog grew")
