"""The digest of a part changes only with the code that the part tests."""

from pathlib import Path

import pytest

from tests.reliability.report.code_only import code_only
from tests.reliability.report.digest import digest_of
from tests.reliability.report.parts.all_parts import LONG, PARTS
from tests.reliability.report.parts.part import Part


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("src/code.py", "src/deep/code.py", "tests/own.py", "docs/page.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("VALUE = 1\n")
    return tmp_path


@pytest.mark.parametrize("name", ["src/code.py", "src/deep/code.py", "src/new.py", "tests/own.py"])
def test_a_changed_file_changes_it(project: Path, name: str) -> None:
    before = digest_of(("src", "tests/own.py"), project)
    (project / name).write_text("VALUE = 2\n")
    assert digest_of(("src", "tests/own.py"), project) != before


@pytest.mark.parametrize("name", ["docs/page.md", "src/__pycache__/code.pyc", "tests/other.py"])
def test_what_is_not_tested_does_not(project: Path, name: str) -> None:
    before = digest_of(("src", "tests/own.py"), project)
    (project / name).parent.mkdir(exist_ok=True)
    (project / name).write_text("VALUE = 2\n")
    assert digest_of(("src", "tests/own.py"), project) == before


PROSE = '''"""A module."""

VALUE = "#1"  # a comment
"""An attribute."""


class Thing:
    """A class."""

    def act(self):
        """A function.

        Of two paragraphs.
        """
        # A comment of its own.
        return VALUE
'''


def test_prose_does_not_change_it_and_code_beside_prose_does(project: Path) -> None:
    file = project / "src/code.py"
    file.write_text(PROSE)
    before = digest_of(("src",), project)
    file.write_text(
        PROSE.replace("A ", "Another ").replace("Of two paragraphs.", "Two\n\n    more.")
    )
    assert digest_of(("src",), project) == before
    file.write_text(PROSE.replace("#1", "#2"))
    assert digest_of(("src",), project) != before


def test_only_code_is_left() -> None:
    code = 'VALUE = "#1"\nclass Thing:\n    def act(self):\n        return VALUE'
    assert code_only(PROSE) == code


def test_a_file_that_moved_changes_it(project: Path) -> None:
    before = digest_of(("src",), project)
    (project / "src/code.py").rename(project / "src/moved.py")
    assert digest_of(("src",), project) != before


def test_a_path_that_does_not_exist_is_an_error(project: Path) -> None:
    with pytest.raises(FileNotFoundError, match="src/gone"):
        digest_of(("src/gone",), project)


@pytest.mark.parametrize("part", (PARTS | LONG).values(), ids=lambda part: part.name)
def test_every_part_has_a_digest(part: Part) -> None:
    assert len(part.code) == 12
