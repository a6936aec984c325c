"""Tests that the simulation detects each planted bug."""

import pytest

from tests.reliability.simulation.campaign import first_failure
from tests.reliability.simulation.faults.planted import PLANTED, planted

_HISTORIES = 3_000
"""Most bugs show within 100 histories. A bug counts as undetected only after this number."""


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found_by_the_check_that_it_names(name: str) -> None:
    with planted(name):
        found = first_failure(range(_HISTORIES), PLANTED[name].check)
    assert found is not None
    assert found.check is PLANTED[name].check
