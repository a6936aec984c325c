"""Starts the watcher's process, and exchanges messages with it."""

import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Final

from loadtest.errors import NotBegunError, WatcherError
from loadtest.watcher.expectations import Expectation, Sighting
from loadtest.watcher.watching import READY

PROJECT: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 10.0
"""The watcher may need this many seconds beyond the limit to end."""


class WatcherLink:
    """Starts a watcher, sends expectations to it, and passes its sightings to `on_sighting`.

    It calls `on_death` if the watcher ends before `finish`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        limit: float,
        on_sighting: Callable[[Sighting], None],
        on_death: Callable[[WatcherError], None],
    ) -> None:
        self._limit, self._on_sighting, self._on_death = limit, on_sighting, on_death
        self._process = subprocess.Popen(  # noqa: S603 our own interpreter and module
            [sys.executable, "-m", "loadtest.watcher.watching", "--limit", str(limit)],
            cwd=PROJECT,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="ascii",
            start_new_session=True,  # Ctrl-C stops the users, not the watcher
        )
        self._sending = threading.Lock()
        self._finishing = self._stopped = False
        self.outstanding = 0
        """The number of expected changes that have no sighting yet."""
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def open(self) -> None:
        """Wait until the watcher has opened the snapshots.

        Raises:
            WatcherError: It could not open them.
            NotBegunError: `stop` was called meanwhile.
        """
        is_ready = _pipe(self._process.stdout).readline() == READY
        if self._stopped:
            raise NotBegunError
        if not is_ready:
            self._process.wait()
            raise WatcherError(
                "the watcher could not open the snapshots. Its error is printed above"
            )
        self._listener.start()

    def expect(self, expectation: Expectation) -> None:
        """Send what must follow an action.

        Raises:
            WatcherError: The watcher has ended.
        """
        pipe = _pipe(self._process.stdin)
        try:
            with self._sending:
                self.outstanding += expectation.changes
                pipe.write(expectation.to_line())
                pipe.flush()
        except BrokenPipeError as error:
            raise _ended() from error

    def stop(self) -> None:
        """End a watcher that is not ready yet."""
        self._stopped = True
        self._process.kill()
        self._process.wait()

    def finish(self) -> None:
        """Wait until every expectation has a sighting.

        Raises:
            WatcherError: The watcher failed, or it did not end in time.
        """
        self._finishing = True
        try:
            _pipe(self._process.stdin).close()
            self._process.wait(self._limit + _PATIENCE)
        except BrokenPipeError:
            self._process.wait()
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            raise WatcherError("the watcher did not end in time and was stopped") from error
        self._listener.join()
        if self._process.returncode != 0:
            raise _ended()

    def _listen(self) -> None:
        for line in _pipe(self._process.stdout):
            sighting = Sighting.of_line(line)
            self.outstanding -= sighting.changes
            self._on_sighting(sighting)
        if not self._finishing:
            self._on_death(_ended())


def _ended() -> WatcherError:
    return WatcherError("the watcher ended too early. Its error is printed above")


def _pipe(pipe: IO[str] | None) -> IO[str]:
    if pipe is None:
        raise AssertionError("Popen was asked for both pipes")
    return pipe
