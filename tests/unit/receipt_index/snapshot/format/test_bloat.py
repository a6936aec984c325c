"""When an index has so many deleted elements that a new generation is due."""

import pytest

from receipt_index.snapshot.format.bloat import is_due


@pytest.mark.parametrize(
    ("elements", "records", "due"),
    [
        (1_500, 1_000, False),
        (1_501, 1_000, True),
        (150_000, 100_000, False),
        (150_001, 100_000, True),
        (1_000, 666, True),
        (1_000, 667, False),
        (999, 0, False),
        (1_000, 0, False),
        (0, 0, False),
    ],
)
def test_it_is_due_beyond_one_and_a_half_elements_a_record_and_from_a_thousand_elements(
    elements: int, records: int, due: bool
) -> None:
    assert is_due(elements, records) is due
