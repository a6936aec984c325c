"""The receipts of a run."""

import json
from itertools import islice
from pathlib import Path

import pytest

from loadtest.errors import OptionError
from loadtest.options import Options
from loadtest.writers.receipts import arrivals, base_receipts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "receipts.jsonl"
    lines = [{"text": "TOTAL 4.75", "box": [0, 0, 10, 10]}]
    receipts = [{"receipt": f"real {n}", "company": f"Shop {n}", "lines": lines} for n in range(5)]
    receipts.insert(1, {"receipt": "empty", "lines": []})
    path.write_text("".join(json.dumps(receipt) + "\n" for receipt in receipts))
    return path


def test_the_same_seed_makes_the_same_receipts_and_another_one_others() -> None:
    one, same, other = (base_receipts(Options(base=4, seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert {r.receipt for r in one}.isdisjoint(r.receipt for r in other)


def test_base_and_arrivals_never_overwrite_each_other() -> None:
    options = Options(base=150)
    base = base_receipts(options)
    added = list(islice(arrivals(options, "run"), 250))
    names = [receipt.receipt for receipt in (*base, *added)]
    assert len(set(names)) == len(names) == 400


def test_two_runs_add_the_same_receipts_under_other_names() -> None:
    one, two = (list(islice(arrivals(Options(), run), 5)) for run in ("one", "two"))
    assert [receipt.lines for receipt in one] == [receipt.lines for receipt in two]
    assert {r.receipt for r in one}.isdisjoint(r.receipt for r in two)


@pytest.mark.parametrize("lines", [2, 100])
def test_made_up_receipts_have_as_many_lines_as_asked_for(lines: int) -> None:
    options = Options(base=5, lines=lines)
    receipts = [*base_receipts(options), *islice(arrivals(options, "run"), 5)]
    assert {len(receipt.lines) for receipt in receipts} == {lines}


def test_a_file_gives_the_base_and_then_what_is_added_over_and_over(file: Path) -> None:
    options = Options(receipts=str(file), base=3)
    assert [receipt.receipt for receipt in base_receipts(options)] == ["real 0", "real 1", "real 2"]
    added = list(islice(arrivals(options, "run"), 4))
    assert [receipt.company for receipt in added] == ["Shop 3", "Shop 4", "Shop 3", "Shop 4"]
    assert [receipt.receipt for receipt in added][:2] == ["load-run-000001", "load-run-000002"]


def test_a_file_that_is_all_base_is_added_again(file: Path) -> None:
    added = islice(arrivals(Options(receipts=str(file), base=9), "run"), 6)
    assert [receipt.company for receipt in added][-1] == "Shop 0"


def test_a_file_of_too_few_receipts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "receipts.jsonl"
    path.write_text('{"receipt": "one", "lines": [{"text": "A", "box": [0, 0, 1, 1]}]}\n')
    with pytest.raises(OptionError, match="1 receipts with lines"):
        base_receipts(Options(receipts=str(path)))
