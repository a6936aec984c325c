"""Put the poison of a message into dead letters: one, or as few as SQS's size limit allows."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from compactor.batch.dead_letters import DeadLetter
from compactor.batch.entries import Entry
from receipt_sync.messages import Poison, batch_body
from receipt_sync.sqs_text import ATTRIBUTE_LIMIT, MESSAGE_LIMIT

_ROOM: Final = MESSAGE_LIMIT - 4 * ATTRIBUTE_LIMIT - 1024
"""Bytes of a body that is built here. The rest is for the attributes and the envelope."""
_REASONS: Final = 5
"""Number of different reasons that a dead letter names: the most frequent ones."""


def dead_letters_of(entry: Entry) -> list[DeadLetter]:
    """Return the dead letters of a message's poison.

    If the whole message is poison, its dead letter has the message's own body. Poisoned items of a
    batch become a batch of the same form as the message. So an operator can read it or send it
    again in the usual form.
    """
    whole = [poison for poison in entry.poison if poison.body == entry.message.body]
    if whole:
        return [_letter(entry, entry.message.body, entry.poison)]
    return [_letter(entry, _body(some), some) for some in _packed(entry.poison)]


def _body(poison: list[Poison]) -> str:
    return poison[0].body if len(poison) == 1 else batch_body(one.body for one in poison)


def _packed(poison: Iterable[Poison]) -> Iterator[list[Poison]]:
    some: list[Poison] = []
    size = 0
    for one in poison:
        more = len(one.body.encode("utf-8", "replace")) + 1
        if some and size + more > _ROOM:
            yield some
            some, size = [], 0
        some.append(one)
        size += more
    if some:
        yield some


def _letter(entry: Entry, body: str, poison: Iterable[Poison]) -> DeadLetter:
    return DeadLetter(body, _summary(one.reason for one in poison), entry.message.message_id)


def _summary(reasons: Iterable[str]) -> str:
    """Return one text for all reasons.

    Each reason is named once, with the number of times if that is more than one.
    """
    counts = Counter(reasons).most_common()
    named = [why if n == 1 else f"{n} times: {why}" for why, n in counts[:_REASONS]]
    more = len(counts) - _REASONS
    return "; ".join([*named, f"and {more} other reasons"] if more > 0 else named)
