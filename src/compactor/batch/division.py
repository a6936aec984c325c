"""Divide a batch, so that a message that kills the worker takes no other message with it.

A killed worker answers nothing: Lambda kills it because of its memory or its time. So the queue
delivers the whole batch again, and each delivery counts towards the dead-letter queue. Messages
that come for the third time are therefore handled one by one. What is finished is acknowledged
before the next one begins, because the next one may kill the worker.

A deadly message also stops the messages behind it. So the messages with the most deliveries come
first. Among equals, the order changes with each delivery. Then five deliveries finish every healthy
message of a batch with one or two deadly ones.

The first two deliveries use no division, because most messages return for harmless reasons, such as
a lease that another worker holds. These messages come before those of the third delivery. If one of
them is deadly, the others have two deliveries left, and then come before it.
"""

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from compactor.batch.entries import QueueMessage

APART_FROM: Final = 3
"""Number of the delivery from which a message is handled alone."""


def divided(messages: Sequence[QueueMessage]) -> list[list[QueueMessage]]:
    """Return the parts of a batch, in the order in which they are to be handled."""
    together = [message for message in messages if message.receives < APART_FROM]
    third = [message for message in messages if message.receives == APART_FROM]
    later = [message for message in messages if message.receives > APART_FROM]
    parts = [*_one_by_one(later), together, *_one_by_one(third)]
    return [part for part in parts if part]


def _one_by_one(messages: Sequence[QueueMessage]) -> list[list[QueueMessage]]:
    """Return a part for each message. Those with the most deliveries come first."""
    falling = sorted(messages, key=lambda message: (-message.receives, message.message_id))
    return [
        [message]
        for receives, equals in groupby(falling, lambda message: message.receives)
        for message in _ordered(list(equals), receives)
    ]


def _ordered(upwards: list[QueueMessage], receives: int) -> list[QueueMessage]:
    """Return messages of one number of deliveries in an order that changes with that number.

    The third delivery goes upwards, and finishes what stands before the first deadly message. The
    fourth goes downwards, and finishes what stands behind the last one. The deadly messages are now
    the first and the last, so the fifth begins with the others.
    """
    match (receives - APART_FROM) % 3:
        case 0:
            return upwards
        case 1:
            return upwards[::-1]
        case _:
            return [*upwards[1:-1], *upwards[:1], *upwards[1:][-1:]]
