"""Commands in pages can be copied whole, and name targets and commands that exist."""

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import typer

from demo.story import choose
from receipt_ops.loading.receipts import read_receipts
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.terminal.cli import main

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), PROJECT / "terraform/README.md"]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TARGETS = set(re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), re.MULTILINE))


def name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def blocks(page: Path) -> list[str]:
    return [block for kind, block in FENCED.findall(page.read_text()) if kind == "sh"]


def command_names(command: Any, path: str = "") -> Iterator[str]:
    for word, child in getattr(command, "commands", {}).items():
        yield f"{path}{word}"
        yield from command_names(child, f"{path}{word} ")


COMMANDS = set(command_names(typer.main.get_command(main)))
GROUPS = {known.split()[0] for known in COMMANDS if " " in known}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_block_of_commands_holds_no_prompt(page: Path) -> None:
    assert "```console" not in page.read_text()
    assert [line for block in blocks(page) for line in block.splitlines() if line[:2] == "$ "] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_names_only_targets_of_make_that_exist(page: Path) -> None:
    code = re.findall(r"`make ([a-z-]+)", page.read_text())
    run = [
        word for block in blocks(page) for word in re.findall(r"(?m)(?:^|&& )make ([a-z-]+)", block)
    ]
    assert {*code, *run} <= TARGETS


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_names_only_commands_of_receipt_sync_that_exist(page: Path) -> None:
    text = page.read_text()
    inline = re.findall(r"`receipt-sync ([a-z][a-z -]*)", " ".join(text.split()))
    run = re.findall(r"(?m)(?:^|/|&& |\$\()receipt-sync ([a-z][a-z -]*)", "".join(blocks(page)))
    for words in (*inline, *run):
        first, *rest = words.split()
        named = f"{first} {rest[0]}" if first in GROUPS and rest else first
        assert named in COMMANDS | GROUPS, words


def test_commands_are_found_at_all() -> None:
    assert sum(len(blocks(page)) for page in PAGES) > 50
    assert len(COMMANDS) > 20
    assert len(TARGETS) > 20


def test_the_demo_accepts_the_receipts_of_the_readme(tmp_path: Path) -> None:
    text = (PROJECT / "README.md").read_text()
    [written] = re.findall(r"> build/receipts\.jsonl <<'END'\n(.*?)END\n", text, re.DOTALL)
    file = tmp_path / "receipts.jsonl"
    file.write_text(written)
    receipts = list(read_receipts(file))
    cast = choose(receipts, added=receipts[0])
    assert [cast.edited, cast.deleted] == receipts


def test_the_search_of_the_readme_finds_a_synthetic_receipt() -> None:
    text = (PROJECT / "README.md").read_text()
    [(count, seed)] = re.findall(r"load --synthetic (\d+) --seed (\d+)", text)
    [(query, merchant)] = re.findall(r'receipt-sync search "(.+)" --merchant "(.+)"', text)
    receipts = synthetic_receipts(int(count), Random(int(seed)))
    lines = [
        line.text for receipt in receipts if receipt.company == merchant for line in receipt.lines
    ]
    assert any(query in line.lower() for line in lines)
