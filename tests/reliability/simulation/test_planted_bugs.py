"""Tests that the simulation detects each planted bug."""

import pytest

from tests.reliability.simulation.campaign import first_failure
from tests.reliability.simulation.faults.planted import PLANTED, planted

# One bug needs a thousand histories. That is half a minute on an idle machine.
pytestmark = pytest.mark.timeout(1200)

_HISTORIES = 3_000
"""Most bugs show within 100 histories. A bug counts as undetected only after this number."""
_SLOW = {
    "attribute_error_on_a_rare_branch", "bisection_that_forgets_a_half",
    "bisection_that_parks_at_the_first_failure", "claims_of_others_ignored",
    "coalescing_that_forgets", "deleted_object_used_again", "drain_that_acknowledges_at_once",
    "failed_base_left_in_the_mirror", "failed_upload_forgotten",
    "garbage_deleted_without_an_announcement", "marks_that_start_equal",
    "mirror_that_is_not_brought_up", "partial_read_taken_for_absence",
    "query_without_consistent_read", "reader_that_believes_its_folder",
    "reader_that_follows_backwards", "retired_objects_taken_for_garbage",
    "throttle_taken_for_absence", "truth_before_checkout", "unanswered_write_forgotten",
    "unsent_reported_as_sent",
}  # fmt: skip
"""Bugs that need more than a second of histories."""


def _marked(name: str) -> object:
    return pytest.param(name, marks=pytest.mark.long) if name in _SLOW else name


def test_every_slow_bug_is_planted() -> None:
    assert set(PLANTED) >= _SLOW


@pytest.mark.parametrize("name", [_marked(name) for name in PLANTED])
def test_a_planted_bug_is_found_by_the_check_that_it_names(name: str) -> None:
    with planted(name):
        found = first_failure(range(_HISTORIES), PLANTED[name].check)
    assert found is not None
    assert found.check is PLANTED[name].check
