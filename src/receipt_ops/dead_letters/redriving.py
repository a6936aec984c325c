"""The redrive of dead letters: it sends each one first and then deletes it, so that none is lost.

The compactor applies a message once, even if it is sent twice. So a dead letter that was sent but
not deleted does no harm.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from receipt_ops.dead_letters.queue import DeadLetter, DeadLetterQueue, held
from receipt_sync.sequences import batches

MOST: Final = 10_000
"""The most dead letters of one run. The next run takes further dead letters."""
_A_STEP: Final = 10

Send = Callable[[Sequence[DeadLetter]], None]
"""Sends dead letters. Raises if the receiver does not accept one."""
Refuse = Callable[[DeadLetter], str | None]
"""Returns why a dead letter must stay, or None."""
Advance = Callable[[int], None]


@dataclass
class Redriven:
    """The result of a redrive. `kept` maps the message ids that stay to the reason."""

    moved: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """The requested message ids that the queue does not hold."""
    unseen: int = 0
    """The approximate number of unread ones: another command holds them, or they exceed MOST."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def count(self) -> int:
        """Return the number of moved dead letters."""
        return len(self.moved)


def redrive(
    queue: DeadLetterQueue,
    send: Send,
    *,
    only: Collection[str] = (),
    refuse: Refuse = lambda _: None,
    dry_run: bool = False,
    advance: Advance = lambda _: None,
) -> Redriven:
    """Move all dead letters, or `only` those with the given message ids.

    The function moves the dead letters that it finds at the start. So it does not move a dead
    letter again that comes back immediately.
    """
    done = Redriven()
    with held(queue, MOST) as found:
        done.unseen = found.unseen
        wanted = [
            dead_letter
            for dead_letter in found.dead_letters
            if not only or dead_letter.message_id in only
        ]
        done.unknown = sorted(set(only) - {dead_letter.message_id for dead_letter in wanted})
        movable = _movable(wanted, refuse, done)
        for some in batches(movable, _A_STEP):
            if not dry_run:
                send(some)
                queue.delete(some)
                for dead_letter in some:
                    found.dead_letters.remove(dead_letter)
            done.moved += [dead_letter.message_id for dead_letter in some]
            advance(len(some))
    return done


def drop(queue: DeadLetterQueue, only: Collection[str], *, dry_run: bool = False) -> Redriven:
    """Delete dead letters permanently."""
    return redrive(queue, lambda _: None, only=only, dry_run=dry_run)


def _movable(
    dead_letters: Sequence[DeadLetter], refuse: Refuse, done: Redriven
) -> list[DeadLetter]:
    movable = []
    for dead_letter in dead_letters:
        reason = refuse(dead_letter)
        if reason is None:
            movable.append(dead_letter)
        else:
            done.kept[dead_letter.message_id] = reason
    return movable
