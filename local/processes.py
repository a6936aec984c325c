"""Finds and ends the processes of a server that an earlier command may have started.

A process id alone proves nothing, as ids are used again: a process is ours if it belongs to the
recorded process group, began no earlier than the record says, and runs MiniStack.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import psutil  # type: ignore[import-untyped]

from local.errors import StopError

_CLOCK_SLACK: Final = 2.0
"""Seconds: the start of a process is known to the clock tick, and boot time may be adjusted."""

_SIGN: Final = "ministack"
"""In the command line of the server (ministack_server.py) and its workers (ministack-lambda-…)."""


@dataclass(frozen=True)
class ProcessGroup:
    """A process group by its leader's id, and when the leader began (epoch seconds)."""

    pid: int
    began: float

    @classmethod
    def of(cls, pid: int) -> "ProcessGroup":
        """The group that the process just started as a session leader leads."""
        return cls(pid, psutil.Process(pid).create_time())

    def leader_alive(self) -> bool:
        return any(process.pid == self.pid for process in self.members())

    def members(self) -> list[psutil.Process]:
        """The living processes of the group that are ours, the leader first."""
        found = [process for process in psutil.process_iter() if self._holds(process)]
        return sorted(found, key=lambda process: process.pid != self.pid)

    def stop(self, grace: float = 5.0) -> int:
        """End them all: SIGTERM, then SIGKILL after `grace` seconds. Says how many there were.

        Raises StopError if one outlives that.
        """
        members = self.members()
        _signal(members, "terminate")
        psutil.wait_procs(members, timeout=grace)
        stubborn = self.members()
        _signal(stubborn, "kill")
        psutil.wait_procs(stubborn, timeout=grace)
        left = [process.pid for process in self.members()]
        if left:
            raise StopError(f"processes {left} of the local AWS do not end: end them by hand")
        return len(members)

    def _holds(self, process: psutil.Process) -> bool:
        try:
            return (
                os.getpgid(process.pid) == self.pid
                and process.create_time() >= self.began - _CLOCK_SLACK
                and process.status() != psutil.STATUS_ZOMBIE
                and any(_SIGN in word for word in process.cmdline())
            )
        except (psutil.Error, ProcessLookupError, PermissionError):
            return False  # gone meanwhile, or another user's: not ours either way


def _signal(processes: Iterable[psutil.Process], how: str) -> None:
    for process in processes:
        try:
            getattr(process, how)()
        except psutil.NoSuchProcess:
            continue  # it ended by itself, which is what was wanted
