"""The stress test: writes changes at a steady rate and records the backlog meanwhile."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Self

from receipt_ops.pacing import Pacing, steadily
from receipt_ops.probes.editing import Edit, Editor, apply
from receipt_ops.verification.settling import Backlog
from receipt_sync.clock import Clock

_THREADS: Final = 16
_LOOK_SECONDS: Final = 1.0
_AT_ONCE: Final = 160
"""The largest number of edits that run or wait for a thread. A slow table then lowers the rate."""


@dataclass
class StressReport:
    """Holds the counts of a stress test. Rates are changes per second."""

    asked: float
    seconds: float = 0.0
    changes: Counter[str] = field(default_factory=Counter)
    missed: int = 0
    """The number of edits whose item an earlier edit had deleted."""
    backlog: list[tuple[float, int]] = field(default_factory=list)
    """Pairs of seconds since the start and the messages that were waiting or in flight then."""

    @property
    def written(self) -> int:
        return sum(self.changes.values())

    @property
    def achieved(self) -> float:
        return self.written / self.seconds if self.seconds else 0.0

    @property
    def most_waiting(self) -> int:
        return max((count for _, count in self.backlog), default=0)

    def to_json(self) -> dict[str, Any]:
        return {
            "asked_per_second": self.asked,
            "achieved_per_second": round(self.achieved, 1),
            "seconds": round(self.seconds, 3),
            "written": self.written,
            "changes": dict(self.changes),
            "missed": self.missed,
            "most_waiting": self.most_waiting,
            "backlog": [[round(at, 1), count] for at, count in self.backlog],
        }


OnProgress = Callable[[int, Backlog], None]


class _Writers:
    """Runs a bounded number of tasks in threads, and keeps the first error of a task.

    The end of the `with` block waits for the tasks. After an error in the block, it cancels the
    waiting tasks.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS)
        self._room = threading.BoundedSemaphore(_AT_ONCE)
        self._error: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(cancel_futures=error is not None)
        if error is None:
            self._raise_error()

    def start(self, task: Callable[[], None]) -> None:
        """Wait for room, and run a task in a thread. Raises the error of an earlier task."""
        self._room.acquire()
        self._raise_error()
        self._pool.submit(task).add_done_callback(self._ended)

    def _ended(self, task: Future[None]) -> None:
        if not task.cancelled():
            self._error = self._error or task.exception()
        self._room.release()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error


class Stress:
    """Writes each edit at its scheduled time, even if earlier edits are still running.

    The memory does not grow with the number of edits. At most `_AT_ONCE` edits run or wait.
    """

    def __init__(self, editor: Editor, backlog: Callable[[], Backlog], clock: Clock) -> None:
        self._editor, self._backlog, self._clock = editor, backlog, clock
        self._lock = threading.Lock()

    def run(
        self,
        edits: Iterator[Edit],
        rate: float,
        seconds: float,
        on_progress: OnProgress = lambda *_: None,
    ) -> StressReport:
        """Write `rate` edits per second for `seconds` seconds.

        The first failed write ends the run. The function raises its error before the next edit.
        """
        report = StressReport(asked=rate)
        begun = self._clock.monotonic()
        looked, pacing = begun, Pacing(steadily(rate), begun)
        with _Writers() as writers:
            for number in range(round(rate * seconds)):
                self._clock.sleep(pacing.wait(min(number, 1), self._clock.monotonic()))
                writers.start(partial(self._write, next(edits), report))
                if self._clock.monotonic() - looked >= _LOOK_SECONDS:
                    looked = self._clock.monotonic()
                    self._look(report, looked - begun, on_progress)
        report.seconds = self._clock.monotonic() - begun
        self._look(report, report.seconds, on_progress)
        return report

    def _write(self, edit: Edit, report: StressReport) -> None:
        done = apply(self._editor, edit)
        with self._lock:
            if done:
                report.changes[edit.kind.value] += 1
            else:
                report.missed += 1

    def _look(self, report: StressReport, at: float, on_progress: OnProgress) -> None:
        backlog = self._backlog()
        report.backlog.append((at, backlog.waiting + backlog.in_flight))
        on_progress(report.written, backlog)
