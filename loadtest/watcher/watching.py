"""`python -m loadtest.watcher.watching` runs the watcher in a process of its own.

All users of a Locust process share one thread, and a read of Chroma would stop them. Expectations
arrive on standard input, one a line. The first line of standard output says that the snapshots are
open; then each line is a sighting. After the end of the input, the process waits until every
expectation has a sighting, and ends.
"""

import argparse
import os
import queue
import sys
import threading
from typing import Final, TextIO

from loadtest.watcher.expectations import Expectation, Sighting
from loadtest.watcher.watcher import Watcher
from receipt_ops.environment import connection_of_process
from receipt_ops.readers import snapshot_readers
from receipt_ops.visibility import POLL_SECONDS
from receipt_sync.clock import SystemClock

READY: Final = "ready\n"


class Inbox:
    """Collects the expectations that arrive on a stream."""

    def __init__(self, stream: TextIO) -> None:
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self.closed = False
        threading.Thread(target=self._listen, args=(stream,), daemon=True).start()

    def take(self) -> list[Expectation]:
        """Return the expectations that arrived since the last call. Do not wait."""
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
    """Run the watcher until the input has ended and no expectation is open."""
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
            clock.sleep(POLL_SECONDS)
            watcher.turn(inbox.take())


def _print_sighting(sighting: Sighting) -> None:
    _print(sighting.to_line())


def _print(line: str) -> None:
    """Write a line to the users' process. End this process if that one has ended."""
    try:
        sys.stdout.write(line)
        sys.stdout.flush()
    except BrokenPipeError as error:
        # Python writes the rest of the stream at its end, which must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
