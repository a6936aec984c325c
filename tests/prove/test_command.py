"""A part that can't be run spoils no other, and is not passed over in silence."""

import pytest
from typer.testing import CliRunner

from tests.prove import __main__ as command
from tests.prove.commands import PartFailedError, figures
from tests.prove.parts import Part
from tests.prove.results import Result, Row


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> dict[str, Result]:
    """Results by part, and no document."""
    results: dict[str, Result] = {}
    monkeypatch.setattr(command, "save", lambda result: results.update({result.part: result}))
    monkeypatch.setattr(command, "saved", results.get)
    monkeypatch.setattr(command, "write", lambda *_, **__: None)
    return results


def _broken(quick: bool) -> list[Row]:
    raise PartFailedError("Python 3.13 is not there")


def _part(lost: int) -> Part:
    return lambda quick: [Row("what", 5, 2, lost, "command")]


def test_the_parts_after_one_that_fails_are_run(
    kept: dict[str, Result], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "PARTS", {"first": _broken, "second": _part(0)})
    done = CliRunner().invoke(command.app, [])
    assert done.exit_code == 2
    assert "first: Python 3.13 is not there" in done.stderr
    assert list(kept) == ["second"]


@pytest.mark.parametrize("lost", [0, 3])
def test_the_exit_status_tells_whether_something_was_lost(
    lost: int, kept: dict[str, Result], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "PARTS", {"only": _part(lost)})
    assert CliRunner().invoke(command.app, []).exit_code == int(lost > 0)


def test_a_long_part_is_run_only_if_it_is_asked_for(
    kept: dict[str, Result], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "PARTS", {"short": _part(0)})
    monkeypatch.setattr(command, "LONG", {"long": _part(0)})
    CliRunner().invoke(command.app, [])
    assert list(kept) == ["short"]
    CliRunner().invoke(command.app, ["long"])
    assert list(kept) == ["short", "long"]


def test_a_part_that_is_unknown_is_refused_by_name(kept: dict[str, Result]):
    done = CliRunner().invoke(command.app, ["nonsense"])
    assert done.exit_code == 2
    assert "nonsense: give some of rows" in done.output
    assert kept == {}


def test_a_command_without_figures_is_named_with_what_it_said():
    with pytest.raises(PartFailedError, match=r"`python -c .*ended with 1: .*no luck"):
        figures(["-c", "raise SystemExit('no luck')"])


def test_figures_are_read_whatever_the_exit_status():
    code = "import sys; print('{\"lost\": 1}'); sys.exit(1)"
    assert figures(["-c", code]) == {"lost": 1}
