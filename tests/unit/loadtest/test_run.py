"""One run after another, as Locust's page starts them."""

from pathlib import Path
from typing import Any

import pytest

from loadtest.errors import OptionError, UnsafeTargetError, WatcherError
from loadtest.kinds import Kind
from loadtest.latency import Latency
from loadtest.options import Shape
from loadtest.report.knee import Sample
from loadtest.run import Run
from loadtest.writers.session import Events
from tests.support.fakes.clock import ManualClock
from tests.unit.loadtest.recorded import LATENCY


class OpenSession:
    """A stand-in for an open session."""

    def __init__(self) -> None:
        self.at, self.written, self.outstanding = 0.0, 0, 0
        self.rate = 0.0
        self.failure: Exception | None = None
        self.finished: list[tuple[float | None, str]] = []

    def sample(self) -> Sample:
        return Sample(self.at, self.written, self.outstanding)

    def finish(self, latency: tuple[Latency, ...], held: float | None, reason: str) -> None:
        assert latency == LATENCY
        self.finished.append((held, reason))


@pytest.fixture
def run() -> Run:
    nothing: Any = lambda *_: None  # noqa: E731
    return Run(ManualClock(), Events(nothing, nothing, nothing), lambda: 0)


def opened(run: Run) -> OpenSession:
    session = OpenSession()
    stored: Any = session
    run.session = stored
    return session


def test_before_the_session_is_open_the_first_rate_stands(run: Run) -> None:
    run.reset({"rate": 40.0, "load_shape": Shape.RAMP})
    assert run.next_rate() == pytest.approx(4)


def test_the_rate_follows_the_sessions_time_and_is_noted_in_it(run: Run) -> None:
    run.reset({"rate": 40.0, "seconds": 10.0})
    session = opened(run)
    session.at = 9.9
    assert run.next_rate() == session.rate == 40
    session.at = 10
    assert run.next_rate() is None
    assert session.rate == 0


def test_what_goes_wrong_in_a_session_ends_it(run: Run) -> None:
    run.reset({})
    session = opened(run)
    assert run.next_rate() == 100
    session.failure = WatcherError("ended")
    assert run.next_rate() is None
    run.finish(LATENCY)
    assert run.failure is session.failure


def test_a_knee_raises_the_rate_and_reports_what_held(run: Run) -> None:
    run.reset({"rate": 20.0, "load_shape": Shape.KNEE})
    session = opened(run)
    rates = set()
    for second in range(600):
        session.at = float(second)
        rate = run.next_rate()
        if rate is None:
            break
        rates.add(rate)
        session.written += round(rate)
        session.outstanding += max(0, round(rate) - 27)
    assert rates == {20, 25, 31.25}
    run.finish(LATENCY)
    ((held, reason),) = session.finished
    assert held == 25
    assert "backlog grew" in reason


def test_senseless_options_of_the_page_end_the_run_with_a_sentence_and_not_the_next_one(
    run: Run,
) -> None:
    run.reset({"mix": "nonsense=3"})
    run.start()
    assert isinstance(run.failure, OptionError)
    assert run.next_rate() is None
    run.reset({"mix": "line=3"})
    assert run.failure is None
    assert run.mix.weights[Kind.LINE] == 3


def test_the_real_aws_is_not_written_to(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DYNAMODB_TABLE", "SNAPSHOT_BUCKET", "COMPACTION_QUEUE_URL"):
        monkeypatch.setenv(name, "portfolio")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    run.reset({"out": str(tmp_path)})
    run.start()
    assert isinstance(run.failure, UnsafeTargetError)
    assert run.session is None
