"""The redrive of dead letters: it sends a letter first and deletes it then, so that none is lost.

The compactor applies a message once, even if it is sent twice. So a letter that was sent but not
deleted does no harm.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from receipt_ops.dead_letters.queue import Letter, LetterBox, held
from receipt_sync.sequences import batches

MOST: Final = 10_000
"""The most letters of one run. The next run takes further letters."""
_A_STEP: Final = 10

Send = Callable[[Sequence[Letter]], None]
"""Sends letters. Raises if the receiver does not accept one."""
Refuse = Callable[[Letter], str | None]
"""Returns why a letter must stay, or None."""
Advance = Callable[[int], None]


@dataclass
class Redriven:
    """The result of a redrive. `kept` maps the message ids that stay to the reason."""

    moved: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """The requested message ids that the queue does not hold."""
    unseen: int = 0
    """The approximate number of unread letters: another command holds them, or they exceed MOST."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def count(self) -> int:
        """Return the number of moved letters."""
        return len(self.moved)


def redrive(
    box: LetterBox,
    send: Send,
    *,
    only: Collection[str] = (),
    refuse: Refuse = lambda _: None,
    dry_run: bool = False,
    advance: Advance = lambda _: None,
) -> Redriven:
    """Move all letters, or `only` those with the given message ids.

    The function moves the letters that it finds at the start. So it does not move a letter again
    that comes back immediately.
    """
    done = Redriven()
    with held(box, MOST) as found:
        done.unseen = found.unseen
        wanted = [letter for letter in found.letters if not only or letter.message_id in only]
        done.unknown = sorted(set(only) - {letter.message_id for letter in wanted})
        movable = _movable(wanted, refuse, done)
        for some in batches(movable, _A_STEP):
            if not dry_run:
                send(some)
                box.delete(some)
                for letter in some:
                    found.letters.remove(letter)
            done.moved += [letter.message_id for letter in some]
            advance(len(some))
    return done


def drop(box: LetterBox, only: Collection[str], *, dry_run: bool = False) -> Redriven:
    """Delete letters permanently."""
    return redrive(box, lambda _: None, only=only, dry_run=dry_run)


def _movable(letters: Sequence[Letter], refuse: Refuse, done: Redriven) -> list[Letter]:
    movable = []
    for letter in letters:
        reason = refuse(letter)
        if reason is None:
            movable.append(letter)
        else:
            done.kept[letter.message_id] = reason
    return movable
