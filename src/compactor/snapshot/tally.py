"""How far a cold worker is with fetching a version."""

import threading
from collections.abc import Callable
from typing import Final

Tell = Callable[[int, int], None]
"""Called with the objects that were fetched and checked, and how many there are."""

_TIMES: Final = 4


def tell_nobody(done: int, total: int) -> None:
    """For whom the way does not matter."""


class Tally:
    """Counts objects, from several threads, and tells at every quarter of the way."""

    def __init__(self, total: int, tell: Tell) -> None:
        self._total, self._tell = total, tell
        self._done = 0
        self._lock = threading.Lock()

    def one_more(self) -> None:
        with self._lock:
            self._done += 1
            quarter = _TIMES * self._done // self._total
            if quarter > _TIMES * (self._done - 1) // self._total:
                self._tell(self._done, self._total)
