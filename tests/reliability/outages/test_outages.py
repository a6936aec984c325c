"""A service is gone, slow or flapping for longer than a visibility timeout, and nothing is lost."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from local.state import PROJECT
from tests.reliability.outages.proxied_system import Service
from tests.reliability.outages.proxy import Shape

# The trials end early. Only a busy machine needs all of the time.
pytestmark = [pytest.mark.timeout(1800), pytest.mark.long]
_CASES = {
    Service.TABLE: Shape.DOWN,
    Service.QUEUE: Shape.DOWN,
    Service.BUCKET: Shape.FLAPPING,
    Service.SERVER: Shape.DOWN,
}


@pytest.fixture(scope="module")
def results() -> dict[Service, dict[str, Any]]:
    """Run all trials at once, because they mostly wait."""
    with ThreadPoolExecutor(len(_CASES)) as pool:
        return dict(zip(_CASES, pool.map(_trial_of, _CASES), strict=True))


def _trial_of(service: Service) -> dict[str, Any]:
    options = ["--service", service.name.lower(), "--shape", _CASES[service], "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.outages", *options],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout, done.stderr
    results: list[dict[str, Any]] = json.loads(done.stdout)
    (result,) = results
    return result


@pytest.mark.parametrize("service", _CASES)
def test_nothing_is_lost_and_it_heals_by_itself(
    results: dict[Service, dict[str, Any]], service: Service
) -> None:
    result = results[service]
    print(result)
    assert result["faults"] > 0
    assert result["embedded_again"] > 0
    assert result["lost"] == 0, result["differences"]
    assert result["caught_up"] is not None


@pytest.mark.parametrize("service", _CASES)
def test_an_alarm_goes_off_because_of_it_and_none_before(
    results: dict[Service, dict[str, Any]], service: Service
) -> None:
    result = results[service]
    assert result["before"] == []
    assert result["alarms_right"]
    assert result["alarmed"] or _CASES[service] is Shape.FLAPPING
