"""The file that Locust runs: the users, the rate over time, and the request events.

Locust keeps two statistics for each kind of action. Type WRITE is the latency of its writes. Type
FRESHNESS is the time from the write until the change is visible to a reader.
"""

from argparse import ArgumentParser
from random import Random
from typing import Any, Final

from locust import LoadTestShape, User, events, task
from locust.env import Environment
from locust.runners import LocalRunner

from loadtest.errors import NeverArrivedError
from loadtest.interrupts import Interrupts
from loadtest.kinds import Kind
from loadtest.latency import WRITE, latencies
from loadtest.options import add_to
from loadtest.report.progress import Progress
from loadtest.run import Run
from loadtest.watcher.expectations import Sighting
from loadtest.writers.session import Events
from receipt_ops.terminal.console import notes
from receipt_sync.clock import SystemClock

FRESHNESS: Final = "FRESHNESS"
FAILED: Final = 2
"""The exit code if the run could not be made. A run with failures has another code."""
_MOST_SPAWNED: Final = 100.0
_CLOCK: Final = SystemClock()
_PROGRESS: Final = Progress(notes())


def _wrote(kind: Kind, seconds: float, error: Exception | None) -> None:
    _fire_request(WRITE, kind, seconds, 0, error)


def _sighted(sighting: Sighting) -> None:
    error = None
    if sighting.seconds is None:
        error = NeverArrivedError("readers did not see the change within the limit")
    seconds = _run.options.limit if sighting.seconds is None else sighting.seconds
    _fire_request(FRESHNESS, sighting.kind, seconds, sighting.records, error)


def _fire_request(
    what: str, kind: Kind, seconds: float, length: int, error: Exception | None
) -> None:
    events.request.fire(  # type: ignore[no-untyped-call]
        request_type=what,
        name=kind.value,
        response_time=1000 * seconds,
        response_length=length,
        exception=error,
        context={},
    )


def _users() -> int:
    runner = events_environment[0].runner if events_environment else None
    return runner.user_count if runner else 0


events_environment: list[Environment] = []
_INTERRUPTS: Final = Interrupts()
_run: Final = Run(_CLOCK, Events(_wrote, _sighted, _PROGRESS.moment), _users)


class WritingUser(User):
    """A pipeline or an editor. It acts at random moments, at its share of the rate."""

    def on_start(self) -> None:
        self._randomness = Random(f"{_run.options.seed} {next(_run.numbers)}")
        self._changes = 1  # makes the first wait random, so that users do not begin together
        self._begun = False

    def wait_time(self) -> float:
        return _run.pacing.wait(self._changes, _CLOCK.monotonic())

    @task
    def perform(self) -> None:
        """Perform one action of the mix. The first call does nothing.

        Locust waits only after a task, so without this all users would begin at once.
        """
        if self._begun and _run.session is not None:
            kind = _run.mix.draw(self._randomness)
            self._changes = _run.session.writer.perform(kind, self._randomness)
        self._begun = True


class RateOverTime(LoadTestShape):
    """Sets the number of users that make the present rate."""

    def reset_time(self) -> None:
        super().reset_time()  # type: ignore[no-untyped-call]
        _run.reset(vars(events_environment[0].parsed_options))

    def tick(self) -> tuple[int, float] | None:
        rate = _run.next_rate()
        return None if rate is None else (_run.options.users_at(rate), _MOST_SPAWNED)


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: ArgumentParser, **_: Any) -> None:
    add_to(parser)


@events.init.add_listener  # type: ignore[untyped-decorator]
def _begin(environment: Environment, runner: Any, **_: Any) -> None:
    if not isinstance(runner, LocalRunner):
        notes().print("loadtest: only one process can keep the ledger: run without workers")
        raise SystemExit(FAILED)
    environment.stop_timeout = 30  # seconds in which users finish the action that they have begun
    events_environment.append(environment)


@events.test_start.add_listener  # type: ignore[untyped-decorator]
def _open(**_: Any) -> None:
    _run.start()
    if _run.failure is None:
        _PROGRESS.begin(_run.options)


@events.test_stopping.add_listener  # type: ignore[untyped-decorator]
def _stop(**_: Any) -> None:
    _INTERRUPTS.hold()


@events.quitting.add_listener  # type: ignore[untyped-decorator]
def _quit(**_: Any) -> None:
    _INTERRUPTS.hold(for_good=True)


@events.test_stop.add_listener  # type: ignore[untyped-decorator]
def _close(environment: Environment, **_: Any) -> None:
    _PROGRESS.settling()
    _run.finish(tuple(latencies(environment.stats)))
    _PROGRESS.end()
    if _run.failure is not None:
        notes().print(f"loadtest: {_run.failure}")
        environment.process_exit_code = FAILED
    _INTERRUPTS.release()
