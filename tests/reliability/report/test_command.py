"""A part that cannot run is reported, and the other parts still run."""

from collections.abc import Mapping
from typing import Protocol

import pytest
from typer.testing import CliRunner

from tests.reliability.report import __main__ as command
from tests.reliability.report.parts.commands import PartFailedError, figures
from tests.reliability.report.parts.part import Part, Run
from tests.reliability.report.results import Result, Row


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Result]:
    """Results by part, and no document."""
    results: dict[str, Result] = {}
    monkeypatch.setattr(command, "save", lambda result: results.update({result.part: result}))
    monkeypatch.setattr(command, "saved", results.get)
    monkeypatch.setattr(command, "write", lambda results, parts: [])
    return results


class GiveParts(Protocol):
    """Gives the command these parts, by their names."""

    def __call__(self, short: Mapping[str, Run], long: Mapping[str, Run] | None = None) -> None: ...


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> GiveParts:
    def give(short: Mapping[str, Run], long: Mapping[str, Run] | None = None) -> None:
        for where, some in (("PARTS", short), ("LONG", long or {})):
            made = {
                name: Part(name, run, ("tests/reliability/report",), ("what",))
                for name, run in some.items()
            }
            monkeypatch.setattr(command, where, made)

    return give


def _broken(quick: bool) -> list[Row]:
    raise PartFailedError("Python 3.13 is not there")


def _run(lost: int = 0, broken: int = 0) -> Run:
    return lambda quick: [Row("what", 5, 2, lost, "command", broken=broken)]


def test_the_parts_after_one_that_fails_are_run(kept: dict[str, Result], parts: GiveParts) -> None:
    parts({"first": _broken, "second": _run()})
    done = CliRunner().invoke(command.app, [])
    assert done.exit_code == 2
    assert "first: Python 3.13 is not there" in done.stderr
    assert list(kept) == ["second"]


@pytest.mark.parametrize(("lost", "broken", "status"), [(0, 0, 0), (3, 0, 1), (0, 2, 1)])
def test_the_exit_status_says_whether_something_was_lost_or_broken(
    lost: int, broken: int, status: int, kept: dict[str, Result], parts: GiveParts
) -> None:
    parts({"only": _run(lost, broken)})
    assert CliRunner().invoke(command.app, []).exit_code == status


def test_a_long_part_is_run_only_if_it_is_asked_for(
    kept: dict[str, Result], parts: GiveParts
) -> None:
    parts({"short": _run()}, {"long": _run()})
    CliRunner().invoke(command.app, [])
    assert list(kept) == ["short"]
    CliRunner().invoke(command.app, ["long"])
    assert list(kept) == ["short", "long"]


def test_going_on_runs_what_has_no_result_of_the_present_code(
    kept: dict[str, Result], parts: GiveParts
) -> None:
    parts({"only": _run()})
    kept["only"] = Result("only", [], quick=False, code="of before")
    CliRunner().invoke(command.app, ["--go-on"])
    assert kept["only"].rows
    kept["only"].rows = []
    CliRunner().invoke(command.app, ["--go-on"])
    assert kept["only"].rows == []


def test_a_loss_of_older_code_is_not_one_of_this(kept: dict[str, Result], parts: GiveParts) -> None:
    parts({"only": _run(), "other": _run()})
    kept["other"] = Result("other", [Row("what", 5, 2, 9, "command")], False, code="of before")
    assert CliRunner().invoke(command.app, ["only"]).exit_code == 0


@pytest.mark.parametrize(("old", "status"), [([], 0), (["only"], 3)])
def test_the_check_ends_with_3_if_the_page_is_of_other_code(
    old: list[str],
    status: int,
    monkeypatch: pytest.MonkeyPatch,
    kept: dict[str, Result],
    parts: GiveParts,
) -> None:
    parts({"only": _run()})
    monkeypatch.setattr(command, "stale", lambda parts: old)
    assert CliRunner().invoke(command.app, ["--check"]).exit_code == status
    assert kept == {}


def test_the_page_alone_runs_nothing(kept: dict[str, Result], parts: GiveParts) -> None:
    parts({"only": _broken})
    assert CliRunner().invoke(command.app, ["--page"]).exit_code == 0
    assert kept == {}


def test_a_part_that_is_unknown_is_refused_by_name(kept: dict[str, Result]) -> None:
    done = CliRunner().invoke(command.app, ["nonsense"])
    assert done.exit_code == 2
    assert "nonsense: give some of rows" in done.output
    assert kept == {}


def test_a_command_without_figures_is_named_with_what_it_said() -> None:
    with pytest.raises(PartFailedError, match=r"`python -c .*ended with 1: .*no luck"):
        figures(["-c", "raise SystemExit('no luck')"])


def test_figures_are_read_whatever_the_exit_status() -> None:
    code = "import sys; print('{\"lost\": 1}'); sys.exit(1)"
    assert figures(["-c", code]) == {"lost": 1}
