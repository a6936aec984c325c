"""Ctrl-C at the end of a run: it must not interrupt the wait for the outstanding changes."""

import os
import signal
import sys
from typing import Any, Final

NOTE: Final = "loadtest: the run is ending and waits for its changes, then it writes the report\n"


class Interrupts:
    """Makes SIGINT print a note while it is held. Locust would print tracebacks.

    `hold` and `release` must be called in the main thread.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stderr.fileno() if descriptor is None else descriptor
        self._before: Any = None
        self._held = self._for_good = False

    def hold(self, *, for_good: bool = False) -> None:
        """Begin to print a note at SIGINT. `for_good`: `release` has no effect any more."""
        self._for_good |= for_good
        if not self._held:
            self._held, self._before = True, signal.signal(signal.SIGINT, self._note)

    def release(self) -> None:
        """Return to the handler before `hold`."""
        if self._held and not self._for_good:
            self._held = False
            signal.signal(signal.SIGINT, self._before)

    def _note(self, *_: Any) -> None:
        # A handler can interrupt a write of the same stream, so it must not use the stream.
        os.write(self._descriptor, NOTE.encode())
