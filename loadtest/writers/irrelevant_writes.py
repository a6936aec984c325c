"""Writes that are none of the index's business: they must cost little and change nothing."""

from random import Random
from typing import Any

from loadtest.writers.actions import Write
from loadtest.writers.ledger import Held
from receipt_sync.keys import Collection, EntityKey


def irrelevant(held: Held, number: int, randomness: Random) -> Write:
    """A word's label, an item of another kind, or a field of ours that is not mirrored."""
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
    """See the key's shape in docs/architecture.md: it begins like a word's, and is not one."""
    return {
        "PK": word.pk,
        "SK": f"{word.sk}#LABEL#TOTAL",
        "TYPE": "RECEIPT_WORD_LABEL",
        "reasoning": f"load {number}",
    }
