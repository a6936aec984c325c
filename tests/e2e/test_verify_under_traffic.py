"""`verify` beside a running compactor reports every real difference and no false one (short)."""

import pytest

from receipt_ops.verification.suspects import QUIET_SECONDS
from tests.e2e.conftest import System
from tests.e2e.verify_under_traffic import outcome
from tests.functional.operator import Operator


@pytest.mark.long
def test_verify_separates_changes_under_way_from_faults(system: System) -> None:
    operator = Operator.of(system.stack, QUIET_SECONDS)
    found = outcome(operator, rate=10, seconds=5, receipts=4, faults=20, goal=30)
    assert found["differences that they reported"] == 0, found
    assert found["planted"] == 20
    assert found["found just those"], found
