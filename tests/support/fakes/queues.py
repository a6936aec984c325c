"""Deltas and dead letters in memory."""

from collections.abc import Sequence

from compactor.batch.dead_letters import DeadLetter
from receipt_sync.errors import DeltaRefusedError


class InMemoryDeltas:
    """Reads delta objects from memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.failing: Exception | None = None

    def read(self, key: str) -> bytes:
        if self.failing is not None:
            raise self.failing
        if key not in self.objects:
            raise DeltaRefusedError(f"there is no object {key}")
        return self.objects[key]


class InMemoryDeadLetterQueue:
    """Stores parked dead letters in memory."""

    def __init__(self) -> None:
        self.parked: list[tuple[str, str, str]] = []
        self.failing: Exception | None = None

    def park(self, dead_letters: Sequence[DeadLetter]) -> None:
        if self.failing is not None:
            raise self.failing
        self.parked += [
            (dead_letter.body, dead_letter.reason, dead_letter.message_id)
            for dead_letter in dead_letters
        ]
