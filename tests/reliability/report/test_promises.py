"""Each promise names tests that exist."""

import pytest

from local.state import PROJECT
from tests.reliability.report.parts.failures import FAILURES
from tests.reliability.report.parts.promises import (
    EARLIER_SNAPSHOTS,
    EVERY_PYTHON,
    ODD_DATA,
    SECURITY,
)

_TESTED = FAILURES | ODD_DATA | SECURITY | EARLIER_SNAPSHOTS
_TESTS = [*(test for tests in _TESTED.values() for test in tests), *EVERY_PYTHON]


@pytest.mark.parametrize("name", [test.split("::")[0] for test in _TESTS])
def test_what_tries_a_promise_is_there(name: str) -> None:
    assert (PROJECT / name).exists()


@pytest.mark.parametrize("test", [test for test in _TESTS if "::" in test])
def test_a_test_that_tries_a_promise_has_its_name(test: str) -> None:
    file, name = test.split("::")
    assert f"def {name}(" in (PROJECT / file).read_text()
