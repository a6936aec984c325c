"""A figure that misses its target is reported as missed. One without a figure is not."""

from benchmarks.names import Name
from benchmarks.reporting.targets import TARGETS, Target, verdict_table, verdicts


def test_a_figure_is_held_against_the_least_or_the_most_that_it_may_be() -> None:
    assert Target("t", Name.CYCLE, "k", 20).reached(20)
    assert not Target("t", Name.CYCLE, "k", 20).reached(19.9)
    assert Target("t", Name.CYCLE, "k", 2, at_most=True).reached(2)
    assert not Target("t", Name.CYCLE, "k", 2, at_most=True).reached(2.1)


def test_what_was_not_measured_is_not_missed() -> None:
    assert not any(verdict.missed for verdict in verdicts({}))


def test_one_miss_is_found_among_hits() -> None:
    figures = {target.key: target.wanted for target in TARGETS}
    assert not any(verdict.missed for verdict in verdicts(figures))
    figures["apply rate"] = 999.0
    (missed,) = [verdict for verdict in verdicts(figures) if verdict.missed]
    assert missed.target.key == "apply rate"
    words = [row[3] for row in verdict_table(verdicts(figures)).rows]
    assert words.count("missed") == 1
