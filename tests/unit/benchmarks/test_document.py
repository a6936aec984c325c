"""The page keeps the text outside its markers and gets the tables of the last results."""

import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.reporting.document import BEGIN, END, markdown, rewritten
from benchmarks.reporting.report import Table


def test_only_what_is_between_the_markers_is_replaced() -> None:
    page = f"# Title\n\n{BEGIN}\nold\n{END}\n\nReasons\n"
    once = rewritten(page, "new")
    assert once == f"# Title\n\n{BEGIN}\n\nnew\n\n{END}\n\nReasons\n"
    assert rewritten(once, "new") == once


def test_a_page_without_markers_is_refused() -> None:
    with pytest.raises(BenchmarkError, match="has no"):
        rewritten("# Title", "new")


def test_a_table_keeps_its_cells() -> None:
    table = Table("Times", ("way", "s"), [("ours", 0.1234), ("naive", None)])
    assert markdown(table).splitlines()[2:] == [
        "| way | s |",
        "| --- | ---: |",
        "| ours | 0.123 |",
        "| naive | – |",
    ]
