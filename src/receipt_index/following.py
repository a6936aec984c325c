"""Background refreshes of a reader."""

import logging
import math
import threading
from collections.abc import Callable
from random import Random
from types import TracebackType
from typing import Final, Self

from receipt_sync.errors import AlreadyFollowedError, ForkedError, ReaderClosedError, SyncError
from receipt_sync.retries.backoff import pauses

LONGEST_PAUSE_SECONDS: Final = 60.0
"""The longest pause after failures. An interval that is longer than this is the longest pause."""

_LOG: Final = logging.getLogger("receipt_index")


class Following:
    """A thread that refreshes a reader at an interval, until it is stopped.

    An error of a refresh does not end it. The reader continues to serve its version, and the
    thread tries again after a pause that doubles with each failure in a row. Only the end of the
    reader ends the thread: ReaderClosedError and ForkedError.
    """

    def __init__(
        self, refresh: Callable[[], bool], interval: float, name: str, randomness: Random
    ) -> None:
        if not (interval > 0 and math.isfinite(interval)):
            raise ValueError(f"the interval of a refresh is {interval} s: give more than 0")
        self._refresh, self._interval, self._name = refresh, interval, name
        self._randomness = randomness
        self._stopping = threading.Event()
        self._last_error: Exception | None = None
        self._failures = 0
        self._thread = threading.Thread(target=self._run, name=f"follow {name}", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def last_error(self) -> Exception | None:
        """Return the error of the latest refresh; None if it succeeded, or has not ended yet."""
        return self._last_error

    @property
    def failures(self) -> int:
        """Return how many refreshes have failed since the last one that succeeded."""
        return self._failures

    @property
    def is_running(self) -> bool:
        """Return whether the reader is still refreshed."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the thread, after the refresh that is in progress. A second call does nothing."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        longest = max(self._interval, LONGEST_PAUSE_SECONDS)
        waits = pauses(self._randomness, self._interval, longest)
        while not self._stopping.is_set():
            pause = self._interval
            try:
                self._refresh()
            except (ReaderClosedError, ForkedError) as error:
                self._last_error = error  # No later refresh can succeed.
                return
            except Exception as error:  # noqa: BLE001 The reader serves on, and the next try may succeed.
                pause = next(waits)
                self._report(error, pause)
            else:
                self._last_error, self._failures = None, 0
                waits = pauses(self._randomness, self._interval, longest)
            self._stopping.wait(pause)

    def _report(self, error: Exception, pause: float) -> None:
        self._last_error, self._failures = error, self._failures + 1
        # Errors of other packages may quote a value, which is receipt text (I8).
        reason = f": {error}" if isinstance(error, SyncError) else ""
        _LOG.warning(
            "The refresh of %s failed, and runs again in %.1f s: %s%s",
            self._name,
            pause,
            type(error).__name__,
            reason,
        )


def follow(
    refresh: Callable[[], bool], interval: float, name: str, before: Following | None
) -> Following:
    """Return a thread that refreshes a reader. `before` is the reader's earlier thread, if any.

    Raises AlreadyFollowedError while `before` runs, and ValueError for an interval that is not
    more than 0.
    """
    if before is not None and before.is_running:
        raise AlreadyFollowedError(f"the reader of {name} is followed already: stop that first")
    return Following(refresh, interval, name, Random())
