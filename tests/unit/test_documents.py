"""The documents tell the truth about what they name."""

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENTS = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md")]
SOURCES = ("compactor", "receipt_functions", "receipt_index", "receipt_ops", "receipt_sync")
ROOTS = "|".join(
    (*SOURCES, "stream_processor", "src", "tests", "local", "demo", "loadtest", "benchmarks")
)
TESTS = {
    name
    for path in PROJECT.glob("tests/**/test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_only_tests_that_exist(document: Path) -> None:
    assert set(re.findall(r"`(test_\w+)`", document.read_text())) <= TESTS


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_documents_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_document_names_only_files_and_modules_that_exist(document: Path) -> None:
    text = document.read_text()
    paths = re.findall(rf"`((?:{ROOTS})/[\w./-]+)`", text)
    modules = re.findall(r"python -m ((?:tests|loadtest|benchmarks|demo)[\w.]*)", text)
    for name in [*paths, *(module.replace(".", "/") for module in modules)]:
        places = [PROJECT / name, PROJECT / "src" / name, PROJECT / f"{name}.py"]
        assert any(place.exists() for place in places), name


def test_every_pitfall_has_its_row() -> None:
    rows = re.findall(r"^\| ([\d–, ]+) \|", (PROJECT / "docs/pitfalls.md").read_text(), re.M)
    numbers: set[int] = set()
    for row in rows:
        bounds = [int(part) for part in re.split(r"[–, ]+", row)]
        numbers.update(range(bounds[0], bounds[-1] + 1) if "–" in row else bounds)
    assert numbers == set(range(1, 53))
