"""Thousands of histories: no fault loses data, and every promise holds (I1 to I8).

A failing seed is printed as the smallest failing history, with the command to run it again.
"""

import json
import os
import subprocess
import sys

import pytest

from tests.reliability.simulation import history
from tests.reliability.simulation.campaign import Summary
from tests.reliability.simulation.faults.faults import Kind
from tests.reliability.simulation.workload.generation import generate

pytestmark = pytest.mark.timeout(1200)

_ALL, _SOME = 10_000, 150


# Six minutes on an idle machine of two cores, and several times as long beside busy processes.
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("histories", [_SOME, pytest.param(_ALL, marks=pytest.mark.long)])
def test_no_history_breaks_a_promise(histories: int) -> None:
    """Run the histories in their own processes.

    A seed gives one history only under one hash seed.
    """
    command = f"-m tests.reliability.simulation --histories {histories} --processes 2 --json"
    done = subprocess.run(
        [sys.executable, *command.split()],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    summary = Summary.from_json(json.loads(done.stdout))
    assert summary.histories == histories
    if histories == _ALL:
        assert summary.never_crashed == []
    assert set(summary.faults) == {kind.value for kind in Kind}


def test_a_seed_is_one_history() -> None:
    with history.simulated_production() as folder:
        once = [history.run(generate(seed), folder) for seed in range(25)]
        again = [history.run(generate(seed), folder) for seed in range(25)]
    assert once == again
    assert any(outcome.injected for outcome in once)


def test_a_deadly_message_takes_no_other_message_with_it() -> None:
    """Run some histories with a message that kills each worker that applies it."""
    seeds = [seed for seed in range(600) if generate(seed).conditions.has_deadly_message]
    with history.simulated_production() as folder:
        outcomes = [history.run(generate(seed), folder) for seed in seeds]
    assert len(outcomes) > 30
    assert [o.violation for o in outcomes if o.violation is not None] == []
