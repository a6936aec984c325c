"""Threads, executors and clocks of the process whose code runs."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from tests.reliability.simulation.environment.scheduler import Scheduler, Signal, Task

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    """The clock of the running process. It is skewed, and late if the process was frozen."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def now(self) -> datetime:
        return START + timedelta(seconds=self._scheduler.now + self._scheduler.process.skew)

    def monotonic(self) -> float:
        return self._scheduler.now - self._scheduler.process.frozen

    def sleep(self, seconds: float) -> None:
        self._scheduler.sleep(seconds)


class Event:
    """Replaces threading.Event."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler, self._signal, self._given = scheduler, Signal(), False

    def set(self) -> None:
        self._given = True
        self._scheduler.give(self._signal)

    def is_set(self) -> bool:
        return self._given

    def wait(self, timeout: float | None = None) -> bool:
        if not self._given:
            self._scheduler.wait(self._signal, timeout)
        return self._given


class Thread:
    """Replaces threading.Thread by another task of the same process."""

    def __init__(
        self,
        scheduler: Scheduler,
        target: Callable[..., Any],
        args: tuple[Any, ...] = (),
        daemon: bool | None = None,
    ) -> None:
        self._scheduler, self._target, self._args = scheduler, target, args
        self._task: Task | None = None

    def start(self) -> None:
        process = self._scheduler.process
        self._task = self._scheduler.spawn(process, lambda: self._target(*self._args))

    def join(self) -> None:
        if self._task is not None and not self._task.done:
            self._scheduler.wait(self._task.ended)


class Threading:
    """Replaces the module `threading` for code that starts threads."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def Event(self) -> Event:  # noqa: N802 as the module names it
        return Event(self._scheduler)

    def Thread(self, **arguments: Any) -> Thread:  # noqa: N802
        return Thread(self._scheduler, **arguments)


class InlineExecutor:
    """Replaces ThreadPoolExecutor. It runs each call at once, so that each call is a step."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def map(self, call: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return iter([call(item) for item in items])

    def submit(self, call: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Return a completed result. An error of the call is raised at once."""
        done: Future[Any] = Future()
        done.set_result(call(*arguments))
        return done
