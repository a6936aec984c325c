"""Brings dead letters back: first sent, then deleted, so that none is ever lost in between.

What is sent twice is applied once, so a letter that was sent and not deleted does no harm.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from compactor.index import batches
from operations.dead_letters.letter import Letter, LetterBox, held

MOST: Final = 10_000
"""Letters that one run takes at most; the next run takes more."""
_A_STEP: Final = 10

Send = Callable[[Sequence[Letter]], None]
"""Sends letters on. Raises if one was not taken."""
Refuse = Callable[[Letter], str | None]
"""Why a letter must stay, or None."""
Advance = Callable[[int], None]


@dataclass
class Redriven:
    """What became of the letters. `kept` maps those that stay to the reason."""

    moved: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    """Message ids that were asked for and not found."""
    unseen: int = 0
    """About how many letters were not looked at: another command holds them, or they are many."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def count(self) -> int:
        """How many were moved."""
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
    """Move letters, all or `only` those with some message ids.

    The letters that lie there at the start are moved: one that comes back at once is not moved
    again and again.
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
    """Delete letters for good."""
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
