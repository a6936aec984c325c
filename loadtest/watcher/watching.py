"""`python -m loadtest.watcher.watching`: the watcher in a process of its own.

Reading Chroma would stop all users of a Locust process, which run on one thread. Expectations come
on standard input, a line each; sightings go to standard output, after a first line that says that
the snapshots are open. The end of the input asks for the rest to be seen or given up.
"""

import argparse
import queue
import sys
import threading
from typing import Final, TextIO

from loadtest.watcher.expectations import Expectation, Sighting
from loadtest.watcher.watcher import Watcher
from operations.environment import connection_of_process
from operations.readers import snapshot_readers
from receipt_sync.clock import SystemClock

READY: Final = "ready\n"
_POLL_SECONDS: Final = 0.1
"""Between two looks, each of which reads what was just written and asks for two manifests."""


class Inbox:
    """What has come on a stream since it was last asked for."""

    def __init__(self, stream: TextIO) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.closed = False
        threading.Thread(target=self._listen, args=(stream,), daemon=True).start()

    def take(self) -> list[Expectation]:
        """What has come; does not wait."""
        found: list[Expectation] = []
        while not self.closed:
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                break
            if line is None:
                self.closed = True
            else:
                found.append(Expectation.of_line(line))
        return found

    def _listen(self, stream: TextIO) -> None:
        for line in stream:
            self._lines.put(line)
        self._lines.put(None)


def main() -> None:
    """Watch until the input ends and nothing is outstanding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, required=True, help="Seconds a change may take.")
    limit = parser.parse_args().limit
    clock = SystemClock()
    with snapshot_readers(connection_of_process()) as readers:
        watcher = Watcher(readers, clock, limit, _print_sighting)
        watcher.turn([])
        _print(READY)
        inbox = Inbox(sys.stdin)
        while not inbox.closed or len(watcher):
            clock.sleep(_POLL_SECONDS)
            watcher.turn(inbox.take())


def _print_sighting(sighting: Sighting) -> None:
    _print(sighting.to_line())


def _print(line: str) -> None:
    sys.stdout.write(line)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
