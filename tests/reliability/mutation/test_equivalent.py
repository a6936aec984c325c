"""The list of equivalent mutants names lines that exist, each with a reason."""

from dataclasses import replace

import pytest

from local.state import PROJECT
from tests.reliability.mutation.equivalent import Equivalent, kept, reason_of
from tests.reliability.mutation.toy import LINE


@pytest.mark.parametrize("entry", kept(), ids=lambda entry: f"{entry.path}: {entry.before}")
def test_an_entry_names_a_line_that_exists_and_says_why(entry: Equivalent) -> None:
    files = list(PROJECT.glob(entry.path.replace("**", "**/*.py")))
    joined = [" ".join(line.strip() for line in f.read_text().splitlines()) for f in files]
    assert any(entry.before in text for text in joined), "the line is gone: delete the entry"
    assert len(entry.reason.split()) >= 6
    assert entry.reason.endswith(".")


def test_no_mutant_is_named_twice() -> None:
    named = [(entry.path, entry.before, after) for entry in kept() for after in entry.after or [""]]
    assert len(named) == len(set(named))


@pytest.mark.parametrize(
    ("entry", "fits"),
    [
        (Equivalent(LINE.path, LINE.before, "why"), True),
        (Equivalent("src/**", LINE.before, "why"), True),
        (Equivalent("src/**", "return  a and b", "why"), True),
        (Equivalent(LINE.path, LINE.before, "why", after=["return b", LINE.after]), True),
        (Equivalent(LINE.path, LINE.before, "why", after=["return b"]), False),
        (Equivalent(LINE.path, "return b", "why"), False),
        (Equivalent("src/receipt_sync/**", LINE.before, "why"), False),
    ],
)
def test_an_entry_fits_its_file_its_line_and_its_change(entry: Equivalent, fits: bool) -> None:
    assert reason_of(replace(LINE), [entry]) == ("why" if fits else "")
