"""The process of the deployed function, which the local AWS keeps warm."""

import time
from contextlib import suppress
from typing import Final

import psutil

from local.stack import Stack

_STARTED_WITHIN: Final = 60.0


class Function:
    """The deployed compactor. Its queue mapping is enabled only in its own rounds."""

    def __init__(self, stack: Stack, server: int) -> None:
        self._stack, self._server = stack, server
        self._lambda = stack.clients().lambda_

    def consume(self, on: bool) -> None:
        """Enable or disable the queue mapping."""
        assert self._stack.deployment is not None
        self._lambda.update_event_source_mapping(
            UUID=self._stack.deployment.queue_mapping, Enabled=on
        )

    def kill(self, after: float) -> bool:
        """Kill its processes some seconds after the first one starts.

        Return whether one was killed.
        """
        self.consume(True)
        try:
            end = time.monotonic() + _STARTED_WITHIN
            while not self._processes() and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(after)
            return self._kill_all()
        finally:
            self.consume(False)

    def _kill_all(self) -> bool:
        killed = 0
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.kill()
                killed += 1
        return killed > 0

    def _processes(self) -> list[psutil.Process]:
        """Return the child processes of the local AWS that run this function.

        The path of their script contains the name of the function.
        """
        mark = f"ministack-lambda-{self._stack.names.compactor}-"
        found = []
        for process in psutil.Process(self._server).children(recursive=True):
            with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
                if any(mark in word for word in process.cmdline()):
                    found.append(process)
        return found
