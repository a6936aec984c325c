"""Plans writes that do not concern the index. They must cost little and change no record."""

from random import Random
from typing import Any

from loadtest.writers.actions import Write
from loadtest.writers.ledger import Held
from receipt_sync.keys import Collection, EntityKey


def irrelevant(held: Held, number: int, randomness: Random) -> Write:
    """Return a write: a word's label, an item of another kind, or a field that is not mirrored."""
    words = held.keys(Collection.WORDS)
    choice = randomness.randrange(3)
    if choice == 0 and words:
        label = _label(randomness.choice(words), number)
        return lambda writes: writes.foreign(label)
    if choice == 1:
        item = {"PK": f"USER#load-{number}", "SK": "PROFILE", "TYPE": "USER", "visits": number}
        return lambda writes: writes.foreign(item)
    return lambda writes: writes.set(held.metadata, {"reviewed_by": f"reviewer {number}"})


def _label(word: EntityKey, number: int) -> dict[str, Any]:
    """Return a word label. Its key starts like a word's key (see docs/architecture.md)."""
    return {
        "PK": word.pk,
        "SK": f"{word.sk}#LABEL#TOTAL",
        "TYPE": "RECEIPT_WORD_LABEL",
        "reasoning": f"load {number}",
    }
