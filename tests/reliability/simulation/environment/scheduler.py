"""Cooperative tasks in virtual time. One task runs at a time, and the task due first runs next.

A task is a greenlet. It yields wherever production code would wait for the environment: in a call,
in a sleep, in a join. The code between two of these points is never interrupted.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any, NoReturn

from greenlet import getcurrent, greenlet

from tests.reliability.simulation.checks.checks import Check


class Killed(BaseException):
    """The process is dead.

    Production catches it nowhere, and no call of the process has an effect.
    """


class Violation(BaseException):
    """A failed check. No `except Exception` can hide it."""

    def __init__(self, check: Check, message: str) -> None:
        super().__init__(message)
        self.check = check


class Process:
    """The process of a worker.

    `skew` is added to its wall clock. `frozen` is subtracted from its monotonic clock.
    """

    def __init__(self, name: str, skew: float = 0.0, *, mortal: bool = True) -> None:
        self.name, self.skew = name, skew
        self.mortal = mortal
        """Whether faults may affect it. The pollers of queue and stream are parts of AWS, and no
        fault does.
        """
        self.alive = True
        self.frozen = 0.0
        self.paused_until = 0.0
        self.calls = 0
        self.answered_from = 0
        """No answer of a call before this one is lost."""

    def check(self) -> None:
        if not self.alive:
            raise Killed


class Signal:
    """An event that tasks wait for."""

    def __init__(self) -> None:
        self.waiting: list[Task] = []


class Task:
    """One thread of a process."""

    def __init__(
        self, number: int, process: Process, function: Callable[[], Any], main: greenlet
    ) -> None:
        self.number, self.process, self._function = number, process, function
        self.turn = 0
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = Signal()
        self.greenlet = greenlet(self._run, parent=main)

    def _run(self) -> None:
        try:
            self.process.check()
            self.result = self._function()
        except Exception as error:  # noqa: BLE001 the error of an invocation is its result
            self.error = error
        except Killed as error:
            self.error = error
        finally:
            self.done = True


class Scheduler:
    """Runs tasks in virtual time, in seconds since the start of the history."""

    def __init__(self, patience: int) -> None:
        self.now = 0.0
        self.current: Task | None = None
        self.violation: Violation | None = None
        self.turns = 0
        self.on_error: Callable[[Task, Exception], None] = _ignored
        """Called for each error that leaves a task."""
        self._patience = patience
        self._main = getcurrent()
        self._due: list[tuple[float, int, Task, int]] = []
        self._live: set[Task] = set()
        self._numbers = count()

    @property
    def task(self) -> Task:
        """Return the running task."""
        if self.current is None:
            raise RuntimeError("no task runs")
        return self.current

    @property
    def process(self) -> Process:
        """Return the process whose code runs."""
        return self.task.process

    def spawn(self, process: Process, function: Callable[[], Any], delay: float = 0.0) -> Task:
        task = Task(next(self._numbers), process, function, self._main)
        self._live.add(task)
        self._put(task, self.now + delay)
        return task

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass for the running task, while other tasks run."""
        task = self.task
        task.process.check()
        until = self.now + seconds
        if task.process.paused_until <= until and not (self._due and self._due[0][0] <= until):
            self.now = until  # No other task is due before.
            return
        self._put(task, until)
        self._switch(task)

    def wait(self, signal: Signal, timeout: float | None = None) -> None:
        """Wait until the signal is given, or until `timeout` seconds have passed."""
        task = self.task
        task.process.check()
        signal.waiting.append(task)
        if timeout is not None:
            self._put(task, self.now + timeout)
        try:
            self._switch(task)
        finally:
            if task in signal.waiting:  # A later signal must not wake the task.
                signal.waiting.remove(task)

    def give(self, signal: Signal) -> None:
        """Wake all tasks that wait for the signal."""
        waiting, signal.waiting = signal.waiting, []
        for task in waiting:
            if not task.done:
                self._put(task, self.now)

    def kill(self, process: Process) -> None:
        """Kill the process. All its tasks unwind without an effect."""
        process.alive = False
        for task in sorted((t for t in self._live if t.process is process), key=_birth):
            self._put(task, self.now)

    def freeze(self, process: Process, seconds: float) -> None:
        """Stop the monotonic clock of the process, and all timers that use it, for some seconds."""
        process.frozen += seconds
        self._due = [
            (moment + seconds if task.process is process else moment, number, task, turn)
            for moment, number, task, turn in self._due
        ]
        heapq.heapify(self._due)

    def fail(self, check: Check, message: str) -> NoReturn:
        """Fail a check and end the history."""
        self.violation = self.violation or Violation(check, f"at {self.now:.2f} s: {message}")
        if self.current is not None:
            self.current.process.alive = False  # Tasks that unwind now must have no effect.
        raise self.violation

    def run(self) -> None:
        """Run tasks until none is due. Raises Violation at the first failed check."""
        while self._due:
            moment, _, task, turn = heapq.heappop(self._due)
            if turn != task.turn or task.done:
                continue
            self.now = max(self.now, moment)
            if task.process.paused_until > self.now and task.process.alive:
                self._put(task, task.process.paused_until)
                continue
            self._resume(task)
            if self.turns > self._patience:
                what = f"no end after {self.turns} turns of its tasks"
                self.violation = Violation(Check.ENDLESS, what)
            if self.violation:
                raise self.violation

    def abandon(self) -> None:
        """End every task that is left after the history."""
        for task in self._live:
            task.process.alive = False
        for task in sorted(self._live, key=_birth):
            self.current = task
            if task.greenlet:
                task.greenlet.throw(Killed)
        self._live.clear()
        self._due.clear()

    def _resume(self, task: Task) -> None:
        self.current, task.turn = task, task.turn + 1
        self.turns += 1
        task.greenlet.switch()
        self.current = None
        if task.done:
            self._live.discard(task)
            self.give(task.ended)
            if isinstance(task.error, Exception):
                self.on_error(task, task.error)

    def _switch(self, task: Task) -> None:
        self._main.switch()
        task.process.check()

    def _put(self, task: Task, moment: float) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), task, task.turn))


def _ignored(*_: Any) -> None:
    pass


def _birth(task: Task) -> int:
    return task.number
