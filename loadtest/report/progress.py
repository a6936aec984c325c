"""Shows the progress of a run: a status line in a terminal, otherwise a line every 10 s."""

from typing import Final

from rich.console import Console
from rich.status import Status

from loadtest.options import Options
from loadtest.watcher.recording import Moment

_LINE_SECONDS: Final = 10.0


class Progress:
    """Shows the progress of one run after another."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None
        self._duration = 0.0
        self._first: Moment | None = None
        self._line_at = 0.0
        self._stage = ""

    def begin(self, options: Options) -> None:
        """Show that users write from now on."""
        self._duration, self._first, self._stage = options.duration, None, "writing"
        if self._console.is_terminal:
            self._status = self._console.status("writing")
            self._status.start()

    def settling(self) -> None:
        """Show that users have ended and the run waits until their changes are visible."""
        self._stage = "settling"

    def moment(self, moment: Moment) -> None:
        """Show the state of the run."""
        if self._first is None:
            self._first, self._line_at = moment, moment.at
        text = self._in_words(moment, self._first)
        if self._status is not None:
            self._status.update(text)
        elif moment.at >= self._line_at:
            self._line_at = moment.at + _LINE_SECONDS
            self._console.print(text, highlight=False, soft_wrap=True)

    def end(self) -> None:
        """Remove the status line."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def _in_words(self, moment: Moment, first: Moment) -> str:
        return (
            f"{self._stage} {moment.at - first.at:.0f} of {self._duration:.0f} s: "
            f"{moment.rate:.0f} changes/s asked, {moment.changes:,} written, "
            f"{moment.seen:,} visible, {moment.outstanding:,} not yet, {moment.never:,} never, "
            f"{moment.failures:,} failures, {moment.waiting:,} messages waiting"
        )
