"""Divide a batch, so that a message that kills the worker takes no other message with it.

A killed worker answers nothing: Lambda kills it because of its memory or its time. So the queue
delivers the whole batch again, and each delivery counts towards the dead-letter queue. Messages
that come for the third time are therefore handled one by one. What is finished is acknowledged
before the next one begins, because the next one may kill the worker.

A deadly message also stops the messages behind it. So the order changes with each delivery, and
five deliveries finish every healthy message of a batch with one or two deadly ones. The first two
deliveries use no division, because most messages return for harmless reasons, such as a lease that
another worker holds.
"""

from collections.abc import Sequence
from typing import Final

from compactor.batch.entries import QueueMessage

APART_FROM: Final = 3
"""Number of the delivery from which a message is handled alone."""


def divided(messages: Sequence[QueueMessage]) -> list[list[QueueMessage]]:
    """Return the parts of a batch, in the order in which they are to be handled."""
    together = [message for message in messages if message.receives < APART_FROM]
    apart = [message for message in messages if message.receives >= APART_FROM]
    return [part for part in (together, *([one] for one in _ordered(apart))) if part]


def _ordered(messages: list[QueueMessage]) -> list[QueueMessage]:
    """Return the messages in an order that differs from that of the deliveries before.

    The third delivery goes upwards, and finishes what stands before the first deadly message. The
    fourth goes downwards, and finishes what stands behind the last one. The deadly messages are now
    the first and the last, so the fifth begins with the others.
    """
    upwards = sorted(messages, key=lambda message: message.message_id)
    delivery = max((message.receives for message in messages), default=APART_FROM) - APART_FROM
    match delivery % 3:
        case 0:
            return upwards
        case 1:
            return upwards[::-1]
        case _:
            return [*upwards[1:-1], *upwards[:1], *upwards[1:][-1:]]
