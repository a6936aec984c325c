"""Finds and ends the processes of a server that an earlier command may have started.

The operating system reuses process ids, so an id alone proves nothing. A process belongs to the
server if it meets three conditions. It is in the recorded process group, it began no earlier than
recorded, and it runs MiniStack.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import psutil

from local.errors import StopError

_CLOCK_SLACK: Final = 2.0
"""Seconds. The start of a process has the precision of a clock tick, and boot time may be
adjusted.
"""

_SIGN: Final = "ministack"
"""Part of the command line of the server (ministack/server.py) and its workers
(ministack-lambda-…).
"""


@dataclass(frozen=True)
class ProcessGroup:
    """A process group: the id of its leader, and the time when the leader began (epoch seconds)."""

    pid: int
    began: float

    @classmethod
    def of(cls, pid: int) -> "ProcessGroup":
        """Return the group of a process that was just started as a session leader."""
        return cls(pid, psutil.Process(pid).create_time())

    def leader_alive(self) -> bool:
        """Return whether the leader of the group still runs."""
        return any(process.pid == self.pid for process in self.members())

    def members(self) -> list[psutil.Process]:
        """Return the running processes of the group that belong to the server, the leader first."""
        found = [process for process in psutil.process_iter() if self._holds(process)]
        return sorted(found, key=lambda process: process.pid != self.pid)

    def stop(self, grace: float = 5.0) -> int:
        """End all processes with SIGTERM, and after `grace` seconds with SIGKILL.

        Return their number.

        Raises StopError if a process still runs after that.
        """
        members = self.members()
        _signal(members, "terminate")
        psutil.wait_procs(members, timeout=grace)
        stubborn = self.members()
        _signal(stubborn, "kill")
        psutil.wait_procs(stubborn, timeout=grace)
        left = [process.pid for process in self.members()]
        if left:
            raise StopError(f"processes {left} of the local AWS do not end: end them manually")
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
            return False  # The process has ended or belongs to another user.


def _signal(processes: Iterable[psutil.Process], how: str) -> None:
    for process in processes:
        try:
            getattr(process, how)()
        except psutil.NoSuchProcess:
            continue  # The process has already ended.
