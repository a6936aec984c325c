"""Progress of a cold worker that fetches a version."""

import threading
from collections.abc import Callable
from typing import Final

OnProgress = Callable[[int, int], None]
"""Reports progress. Called with the number of objects fetched and checked, and their total."""

_TIMES: Final = 4


def ignore_progress(done: int, total: int) -> None:
    """Ignore the progress."""


class Progress:
    """A counter of fetched objects for several threads. It reports each quarter of the total."""

    def __init__(self, total: int, on_progress: OnProgress) -> None:
        self._total, self._on_progress = total, on_progress
        self._done = 0
        self._lock = threading.Lock()

    def one_more(self) -> None:
        """Count one object, and report the progress if it completes a quarter."""
        with self._lock:
            self._done += 1
            quarter = _TIMES * self._done // self._total
            if quarter > _TIMES * (self._done - 1) // self._total:
                self._on_progress(self._done, self._total)
