"""Short looks into the compaction queue, which moves messages away after too many receives.

A look counts as a receive, and SQS cannot undo that. So a look is short, receives few messages,
each once, and releases them immediately. The function replaces a message that has almost no
receive left by a copy with a new count. It sends the copy before it deletes the message, so that
no message is lost.
"""

from collections.abc import Sequence
from typing import Final

from receipt_ops.dead_letters.queue import DeadLetter, DeadLetterQueue, held
from receipt_ops.dead_letters.redriving import Send

PEEK_SECONDS: Final = 20
"""If the command is killed, the compactor cannot receive the messages for this many seconds."""
MOST: Final = 100
_LEFT: Final = 2
"""The receives that a message must have left. With fewer, SQS moves it after the next failure."""


def peek(queue: DeadLetterQueue, send: Send, most_receives: int) -> tuple[list[DeadLetter], int]:
    """Return up to MOST messages of a queue, and the approximate number of the others.

    `most_receives` is the queue's maxReceiveCount, or 0 for a queue without one.
    """
    with held(queue, MOST) as found:
        seen = list(found.dead_letters)
        if most_receives:
            worn = [one for one in seen if one.receives > most_receives - _LEFT]
            _replace(queue, send, worn)
            found.dead_letters[:] = [one for one in seen if one not in worn]
        return seen, found.unseen


def _replace(queue: DeadLetterQueue, send: Send, dead_letters: Sequence[DeadLetter]) -> None:
    if dead_letters:
        send(dead_letters)
        queue.delete(dead_letters)
