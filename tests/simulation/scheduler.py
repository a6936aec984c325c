"""Cooperative tasks in virtual time: one runs at a time, and the next is the one due first.

A task is a greenlet. It gives way wherever production code would wait for the outside: in a call,
in a sleep, in a join. What runs between two of these is never interrupted.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

from greenlet import getcurrent, greenlet


class Killed(BaseException):
    """The process is dead. Nothing in production catches this, and no call of it has an effect."""


class Violation(BaseException):
    """An invariant does not hold. No `except Exception` can hide it."""


class Process:
    """A worker's process. `skew` is added to its wall clock; `frozen` lags its monotonic one."""

    def __init__(self, name: str, skew: float = 0.0) -> None:
        self.name, self.skew = name, skew
        self.alive = True
        self.frozen = 0.0
        self.paused_until = 0.0
        self.calls = 0
        self.mortal = True
        """Whether faults may strike it: the queue's and the stream's own pollers are AWS."""

    def check(self) -> None:
        if not self.alive:
            raise Killed


class Task:
    """One thread of a process."""

    def __init__(self, process: Process, function: Callable[[], Any]) -> None:
        self.process, self._function = process, function
        self.turn = 0
        self.done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = Signal()
        self.greenlet = greenlet(self._run)

    def _run(self) -> None:
        try:
            self.process.check()
            self.result = self._function()
        except Exception as error:  # noqa: BLE001 an invocation's error is its answer
            self.error = error
        except Killed as error:
            self.error = error
        self.done = True


class Signal:
    """Something that tasks wait for."""

    def __init__(self) -> None:
        self.waiting: list[Task] = []


class Scheduler:
    """Virtual time in seconds since the history began."""

    def __init__(self) -> None:
        self.now = 0.0
        self.current: Task | None = None
        self.switches = 0
        self._main = getcurrent()
        self._due: list[tuple[float, int, Task, int]] = []
        self._numbers = count()

    @property
    def process(self) -> Process:
        """The process whose code runs now."""
        if self.current is None:
            raise RuntimeError("no task runs")
        return self.current.process

    def spawn(self, process: Process, function: Callable[[], Any], delay: float = 0.0) -> Task:
        task = Task(process, function)
        self._put(task, self.now + delay)
        return task

    def sleep(self, seconds: float) -> None:
        """Let `seconds` pass for the task that runs, and others run meanwhile."""
        task = self._running()
        until = self.now + seconds
        if not self._due or self._due[0][0] > until:  # nobody else is due before
            self.now = until
            if task.process.paused_until <= until:
                return
        self._put(task, until)
        self._switch(task)

    def wait(self, signal: Signal, timeout: float | None = None) -> None:
        """Until the signal is given, or `timeout` seconds have passed."""
        task = self._running()
        task.turn += 1
        signal.waiting.append(task)
        if timeout is not None:
            self._put(task, self.now + timeout)
        self._switch(task)

    def give(self, signal: Signal) -> None:
        """Wake all that wait for it."""
        waiting, signal.waiting = signal.waiting, []
        for task in waiting:
            if not task.done:
                self._put(task, self.now)

    def run(self, until: float) -> None:
        """Everything that is due until then. Raises Violation as soon as there is one."""
        while self._due and self._due[0][0] <= until:
            moment, _, task, turn = heapq.heappop(self._due)
            if turn != task.turn or task.done:
                continue
            self.now = max(self.now, moment)
            if task.process.paused_until > self.now and task.process.alive:
                self._put(task, task.process.paused_until)
                continue
            self._resume(task)
        self.now = max(self.now, until)

    @property
    def next_due(self) -> float | None:
        return self._due[0][0] if self._due else None

    def abandon(self) -> None:
        """End every task that is left, for a history that is over."""
        tasks = {id(task): task for _, _, task, _ in self._due}
        for task in tasks.values():
            task.process.alive = False
            if task.greenlet:
                task.greenlet.throw(Killed)
        self._due.clear()

    def _resume(self, task: Task) -> None:
        self.current, task.turn = task, task.turn + 1
        self.switches += 1
        task.greenlet.switch()
        self.current = None
        if task.done:
            self.give(task.ended)

    def _switch(self, task: Task) -> None:
        self._main.switch()
        self.current = task
        task.process.check()

    def _running(self) -> Task:
        if self.current is None:
            raise RuntimeError("only a task can wait")
        self.current.process.check()
        return self.current

    def _put(self, task: Task, moment: float) -> None:
        heapq.heappush(self._due, (moment, next(self._numbers), task, task.turn))
