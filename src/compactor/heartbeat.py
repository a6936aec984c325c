"""Calls a lease's beat from a thread while a cycle works."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from receipt_sync.errors import LeaseLostError, LockTableError
from receipt_sync.telemetry import Telemetry


class ThreadHeartbeat:
    """Beats every `interval` seconds. What it can't do shows in the lease itself.

    A beat that DynamoDB refuses to answer is tried again at the next interval: the lease knows how
    long it is good for, and its holder asks before it publishes.
    """

    def __init__(self, interval: float, telemetry: Telemetry) -> None:
        self._interval, self._telemetry = interval, telemetry

    @contextmanager
    def __call__(self, beat: Callable[[], None]) -> Iterator[None]:
        stopped = threading.Event()
        thread = threading.Thread(target=self._run, args=(beat, stopped), daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _run(self, beat: Callable[[], None], stopped: threading.Event) -> None:
        while not stopped.wait(self._interval):
            try:
                beat()
            except LeaseLostError:
                return  # the holder finds out by itself: its own check raises the same
            except LockTableError as error:
                self._telemetry.problem(
                    "heartbeat failed", error=type(error).__name__, detail=str(error)
                )
