"""docs/licences.md lists the installed packages, and no licence forbids the project's use."""

import re

import pytest

from local.state import PROJECT
from tests.security.licences import DOCUMENT, document, licence, needed

NEEDED = needed()
_ROW = re.compile(r"^\| ([a-z0-9-]+) \| ", re.MULTILINE)
_PERMISSIVE = re.compile(r"(Apache-2\.0|MIT|BSD|ISC|MPL-2\.0|PSF-2\.0|0BSD)")


def rows(text: str) -> set[str]:
    return {line for line in text.splitlines() if line.startswith("| ") and "---" not in line}


def test_the_document_lists_all_that_is_installed_here() -> None:
    """Another Python or system may need fewer packages than those listed."""
    assert rows(document()) <= rows(DOCUMENT.read_text()), (
        "run `.venv/bin/python -m tests.security.licences`"
    )


def test_the_document_lists_nothing_that_the_lock_has_not() -> None:
    locked = set(re.findall(r"^([a-z0-9-]+)==", (PROJECT / "requirements.lock").read_text(), re.M))
    assert set(_ROW.findall(DOCUMENT.read_text())) - {"package"} <= locked


@pytest.mark.parametrize("name", sorted(NEEDED))
def test_every_licence_is_known_and_permissive(name: str) -> None:
    """MPL-2.0 concerns changes of its own files, and this project changes none."""
    assert _PERMISSIVE.search(licence(NEEDED[name])), name
