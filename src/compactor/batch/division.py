"""Divide a batch, so that a message that kills the worker takes no other message with it.

A killed worker answers nothing: Lambda kills it because of its memory or its time. So the queue
delivers the whole batch again, and each delivery counts towards the dead-letter queue. Messages
that come for the third time are therefore handled one by one. What is finished is acknowledged
before the next one begins, because the next one may kill the worker.

A deadly message also stops the messages behind it. So the messages with the most deliveries come
first. Among equals, the order changes with each delivery. Then five deliveries finish every healthy
message of a batch with one or two deadly ones, also if some of them had come before the others. A
healthy message that a busy lease has returned three times or more may have too few deliveries left.
So may one for which a delivery had no time left: each message that comes alone needs a cycle.

The first two deliveries use no division, because most messages return for harmless reasons, such as
a lease that another worker holds. These messages come before those of the third delivery. If one of
them is deadly, the others have two deliveries left, and then come before it.
"""

from collections.abc import Sequence
from enum import IntEnum
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
    others = len(together) + len(third)
    parts = [*_later(later, others), together, *([message] for message in _ordered(third))]
    return [part for part in parts if part]


def _later(messages: Sequence[QueueMessage], others: int) -> list[list[QueueMessage]]:
    """Return a part for each message. Those with the most deliveries come first.

    The fifth delivery ends with the message at which the fourth stopped. If several messages of the
    batch have fewer deliveries, that message comes last here. One of them may be deadly as well,
    and then the healthy ones need this delivery and the next one. `others` is the number of
    messages of the batch that are not among `messages`. They have fewer deliveries too.
    """
    ordered: list[QueueMessage] = []
    stopped: list[QueueMessage] = []
    falling = sorted(messages, key=lambda message: -message.receives)
    for receives, equals in groupby(falling, lambda message: message.receives):
        ordered += _ordered(list(equals))
        fewer = len(falling) - len(ordered) - len(stopped) + others
        if _turn(receives) is _Turn.FROM_THE_MIDDLE and fewer > 1:
            stopped.append(ordered.pop())
    return [[message] for message in (*ordered, *stopped)]


class _Turn(IntEnum):
    """The orders of three deliveries in a row."""

    UPWARDS = 0
    DOWNWARDS = 1
    FROM_THE_MIDDLE = 2


def _turn(receives: int) -> _Turn:
    return _Turn((receives - APART_FROM) % len(_Turn))


def _ordered(equals: Sequence[QueueMessage]) -> list[QueueMessage]:
    """Return messages of one number of deliveries in an order that changes with that number.

    The third delivery goes upwards, and finishes what stands before the first deadly message. The
    fourth goes downwards, and finishes what stands behind the last one. The deadly messages are now
    the first and the last, so the fifth begins with the others. It ends with the last one, at which
    the fourth stopped.
    """
    upwards = sorted(equals, key=lambda message: message.message_id)
    if not upwards:
        return []
    match _turn(upwards[0].receives):
        case _Turn.UPWARDS:
            return upwards
        case _Turn.DOWNWARDS:
            return upwards[::-1]
        case _Turn.FROM_THE_MIDDLE:
            return [*upwards[1:-1], *upwards[:1], *upwards[1:][-1:]]
