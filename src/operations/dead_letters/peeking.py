"""Looks into the compaction queue, whose messages die of being received too often.

A look counts as a receive, and SQS can't undo that. So it is short, takes few messages, each once,
and gives them back at once. A message that has hardly a receive left is replaced by a copy, which
begins to count anew: the copy is sent before the message is deleted, so that none is lost.
"""

from collections.abc import Sequence
from typing import Final

from operations.dead_letters.letter import Letter, LetterBox, held
from operations.dead_letters.redriving import Send

PEEK_SECONDS: Final = 20
"""How long the compactor does not get what is looked at, if the command is killed meanwhile."""
MOST: Final = 100
_LEFT: Final = 2
"""Receives that a message must have left; with fewer the next failure would be its last."""


def peek(box: LetterBox, send: Send, most_receives: int) -> tuple[list[Letter], int]:
    """Return up to MOST messages of a queue, and about how many more wait there.

    `most_receives` is the queue's maxReceiveCount; 0 is a queue that does not count.
    """
    with held(box, MOST) as found:
        seen = list(found.letters)
        if most_receives:
            worn = [one for one in seen if one.receives > most_receives - _LEFT]
            _replace(box, send, worn)
            found.letters[:] = [one for one in seen if one not in worn]
        return seen, found.unseen


def _replace(box: LetterBox, send: Send, letters: Sequence[Letter]) -> None:
    if letters:
        send(letters)
        box.delete(letters)
