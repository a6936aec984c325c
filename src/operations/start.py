"""Entry point of `receipt-sync`: Ctrl-C ends it in order while its modules are still loading.

That takes a second or two, in which nothing has begun. Python would print a traceback.
"""

import os
import signal

INTERRUPTED = 130
"""ExitCode.INTERRUPTED, whose module would have to be loaded first."""


def main() -> None:
    """Load the command line and run it."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # not where a script has it ignored
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from operations.cli import main as command_line

    signal.signal(signal.SIGINT, before)
    command_line()
