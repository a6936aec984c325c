"""Extend a lease from a thread while a cycle works."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from receipt_sync.errors import LeaseLostError, LockTableError
from receipt_sync.telemetry import Telemetry


class ThreadHeartbeat:
    """Calls a lease's `beat` every `interval` seconds.

    A beat that DynamoDB does not answer is tried again at the next interval. A failure needs no
    other action, because the lease records until when it holds, and its holder checks that before
    it publishes.
    """

    def __init__(self, interval: float, telemetry: Telemetry) -> None:
        self._interval, self._telemetry = interval, telemetry

    @contextmanager
    def __call__(self, beat: Callable[[], None]) -> Iterator[None]:
        """Call `beat` regularly while the block runs."""
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
                return  # the holder's own check raises the same error
            except LockTableError as error:
                self._telemetry.problem(
                    "heartbeat failed", error=type(error).__name__, detail=str(error)
                )
