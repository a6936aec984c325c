"""`make docs` builds a site with links to every page, and fails on a broken link."""

import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from documentation.pages import PAGES
from local.state import PROJECT

PYTHON = PROJECT / ".venv/docs/bin/python"
SETTINGS = (PROJECT / "zensical.toml").read_text()


class Navigation(HTMLParser):
    """Return the addresses in the primary navigation of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._depth = 0
        self.pages: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "nav" and (self._depth or "md-nav--primary" in values.get("class", "")):
            self._depth += 1
        if tag == "a" and self._depth:
            self.pages.add(values.get("href", "").partition("#")[0].removeprefix("./"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "nav" and self._depth:
            self._depth -= 1


def built(folder: Path) -> subprocess.CompletedProcess[str]:
    assert PYTHON.exists(), "Zensical has an environment of its own: `make docs` installs it"
    (folder / "src").symlink_to(PROJECT / "src")
    return subprocess.run(
        [str(PYTHON), "-m", "documentation"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site of this project from copies of its pages."""
    folder = tmp_path_factory.mktemp("project")
    for path in [*(PROJECT / page for page in PAGES), *(PROJECT / "docs").rglob("*")]:
        if path.is_file():
            copy = folder / path.relative_to(PROJECT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (folder / "zensical.toml").write_text(SETTINGS)
    done = built(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "build/site"


def address(page: str) -> str:
    """Return the address of a page. Zensical builds the index of a folder from its README.md."""
    return re.sub(r"README\.html$", "index.html", page.removesuffix(".md") + ".html")


def test_the_navigation_leads_to_every_page(site: Path) -> None:
    docs = (path.relative_to(PROJECT).as_posix() for path in (PROJECT / "docs").rglob("*.md"))
    wanted = {address(page) for page in (*PAGES, *docs)}
    assert wanted - Navigation((site / "index.html").read_text()).pages == set()
    assert {path.relative_to(site).as_posix() for path in site.rglob("*.html")} - wanted == {
        "404.html"
    }


@pytest.mark.parametrize(
    "words",
    [
        "Return the nearest records, nearest first",
        "Send n vectors of one collection",
        "DeltaRefusedError",
    ],
)
def test_the_reference_is_made_from_the_docstrings(site: Path, words: str) -> None:
    text = (site / "docs/api.html").read_text()
    assert words in text
    assert ":::" not in text


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ("nothing", None),
        ("[x](gone.md)", "page does not exist"),
        ("[x](page.md#gone)", "anchor does not exist"),
        ("[x][receipt_sync.errors.Gone]", "unresolved autoref"),
        ("::: receipt_sync.errors.Gone", "Could not collect 'receipt_sync.errors.Gone'"),
        ("![x](gone.svg)", "docs/page.html: gone.svg leads to no file"),
    ],
    ids=["sound", "page", "anchor", "reference", "class", "picture"],
)
def test_a_planted_broken_link_fails_the_build(
    tmp_path: Path, planted: str, said: str | None
) -> None:
    for page in (*PAGES, "docs/page.md"):
        (tmp_path / page).parent.mkdir(exist_ok=True)
        (tmp_path / page).write_text(f"# {page}\n")
    (tmp_path / "docs/page.md").write_text(f"# Page\n\n{planted}\n")
    small, found = re.subn(r"(?ms)^nav = \[.*?^\]\n", "", SETTINGS)
    assert found == 1
    (tmp_path / "zensical.toml").write_text(small)
    done = built(tmp_path)
    assert (done.returncode == 0) == (said is None), done.stdout + done.stderr
    assert (said or "0 broken links") in done.stdout + done.stderr


def test_ruff_is_the_same_in_both_environments() -> None:
    locks = ("requirements.lock", "requirements-docs.lock")
    [one], [other] = (re.findall(r"(?m)^ruff==\S+", (PROJECT / lock).read_text()) for lock in locks)
    assert one == other
