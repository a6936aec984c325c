"""Reader folders that simulated processes hold until they die."""

import shutil
from itertools import count
from pathlib import Path

from tests.reliability.simulation.environment.scheduler import Process, Scheduler


class ReaderSlot:
    """A numbered folder of one process."""

    def __init__(self, slots: "Slots", folder: Path) -> None:
        self._slots, self.folder = slots, folder

    def release(self, *, remove: bool) -> None:
        self._slots.holders.pop(self.folder, None)
        if remove:
            shutil.rmtree(self.folder, ignore_errors=True)


class Slots:
    """The process that holds each folder."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self.holders: dict[Path, Process] = {}

    def claim(self, root: Path) -> ReaderSlot:
        """Claim the folder with the lowest number that no living process holds."""
        folders = (root / f"reader-{number}" for number in count(1))
        folder = next(f for f in folders if f not in self.holders or not self.holders[f].alive)
        folder.mkdir(parents=True, exist_ok=True)
        self.holders[folder] = self._scheduler.process
        return ReaderSlot(self, folder)
