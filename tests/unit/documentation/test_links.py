"""The check of the built site finds each link that leads nowhere, and each load from outside."""

from pathlib import Path

import pytest

from documentation.links import problems

OTHER = '<h2 id="two">Two</h2><a name="old"></a>'


def checked(tmp_path: Path, html: str) -> list[str]:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/other.html").write_text(OTHER)
    (tmp_path / "a b.svg").touch()
    (tmp_path / "index.html").write_text(html)
    return problems(tmp_path)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="docs/other.html">',
        '<a href="docs/other.html#two">',
        '<a href="docs/other.html#old">',
        '<a href="#here"><p id="here">',
        '<a href="https://example.org/gone">',
        '<a href="mailto:a@example.org">',
        '<img src="a%20b.svg">',
        '<img src="data:image/png;base64,AA==">',
        "<a>",
    ],
)
def test_a_page_with_sound_links_has_no_problem(tmp_path: Path, html: str) -> None:
    assert checked(tmp_path, html) == []


@pytest.mark.parametrize(
    "html",
    [
        '<a href="gone.html">',
        '<a href="docs/">',
        '<a href="docs/other.html#three">',
        '<a href="#gone">',
        '<img src="gone.svg">',
        '<script src="gone.js"></script>',
        '<script src="https://example.org/x.js"></script>',
        '<link rel="stylesheet" href="//example.org/x.css">',
    ],
)
def test_a_link_that_leads_nowhere_is_a_problem(tmp_path: Path, html: str) -> None:
    [problem] = checked(tmp_path, html)
    assert problem.startswith("index.html: ")


def test_a_link_that_a_page_repeats_is_one_problem(tmp_path: Path) -> None:
    assert len(checked(tmp_path, '<a href="x"><a href="x"><a href="y">')) == 2
