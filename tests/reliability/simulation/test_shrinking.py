"""A failing history is reduced, and the reduced history can be run again."""

import pytest

from tests.reliability.simulation.campaign import first_failure
from tests.reliability.simulation.faults.planted import planted
from tests.reliability.simulation.history import run, simulated_production
from tests.reliability.simulation.shrink import Shrinker, calmed, kept
from tests.reliability.simulation.workload.generation import generate

pytestmark = pytest.mark.timeout(1200)


def test_a_failing_history_is_made_small_and_fails_again() -> None:
    with planted("older_vector_replaces_newer"):
        found = first_failure(range(100))
        assert found is not None
        script = generate(found.seed)
        with simulated_production() as folder:
            smallest = Shrinker(folder).shrink(script)
            assert smallest.outcome.violation is not None
            assert len(smallest.script.events) < len(script.events)
            assert len(smallest.outcome.injected) <= 3
            names = [event.name for event in smallest.script.events]
            assert smallest.script.kept_faults is not None
            again = kept(calmed(script, smallest.calm), names, sorted(smallest.script.kept_faults))
            assert run(again, folder) == smallest.outcome
