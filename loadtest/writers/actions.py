"""Plans what users do to a receipt: the writes, and what the receipt holds after them.

Each planned value is new to its field, so that the watcher can distinguish any two writes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

from loadtest.kinds import Kind
from loadtest.writers.effects import Edit
from loadtest.writers.ledger import Held
from loadtest.writers.writes import Writes
from receipt_ops.loading.items import canonical_name
from receipt_sync.keys import Collection, EntityKey

_FEWEST_LINES: Final = 3
"""A deletion of a line or word leaves at least this many lines. See `_delete`."""

Write = Callable[[Writes], int]
"""One write. It returns the number of changes that it made."""


@dataclass(frozen=True)
class Action:
    """A sequence of writes and the edit that all of them together make."""

    writes: tuple[Write, ...]
    edit: Edit


class Actions:
    """Plans actions. `burst` is the number of writes in a burst."""

    def __init__(self, burst: int) -> None:
        self._burst = burst
        self._plans: Mapping[Kind, Callable[[Held, int, Random], Action]] = {
            Kind.MERCHANT: _correct_merchant,
            Kind.LINE: _edit_line,
            Kind.WORD: _edit_word,
            Kind.VECTOR: _edit_and_embed,
            Kind.DELETE: _delete,
            Kind.BURST: self._edit_in_a_burst,
            Kind.HOT: _edit_anything,
        }

    def plan(self, kind: Kind, held: Held, number: int, randomness: Random) -> Action:
        """Return an action on a receipt. `number` is unique among all actions of a run."""
        return self._plans[kind](held, number, randomness)

    def _edit_in_a_burst(self, held: Held, number: int, randomness: Random) -> Action:
        key = randomness.choice(held.keys(Collection.LINES))
        texts = [f"{_new_text(held, key, number)}.{step}" for step in range(1, self._burst + 1)]
        writes = tuple(_setting(key, {"text": text}) for text in texts)
        return Action(writes, _edit(held, key, {"text": texts[-1]}))


def _correct_merchant(held: Held, number: int, randomness: Random) -> Action:
    key = held.metadata
    fields = {"merchant_name": _renamed(_old(held, key, "merchant_name"), number)}
    fields["canonical_merchant_name"] = canonical_name(fields["merchant_name"])
    if randomness.random() < 0.3:
        fields["address"] = _renamed(_old(held, key, "address"), number)
    return _setting_action(held, key, fields)


def _edit_line(held: Held, number: int, randomness: Random) -> Action:
    return _edit_one(held, randomness.choice(held.keys(Collection.LINES)), number, randomness)


def _edit_word(held: Held, number: int, randomness: Random) -> Action:
    words = held.keys(Collection.WORDS)
    if not words:
        return _edit_line(held, number, randomness)
    return _edit_one(held, randomness.choice(words), number, randomness)


def _edit_anything(held: Held, number: int, randomness: Random) -> Action:
    edit = _edit_line if randomness.random() < 0.4 else _edit_word
    return edit(held, number, randomness)


def _edit_one(held: Held, key: EntityKey, number: int, randomness: Random) -> Action:
    """Return an edit: the text in 70 %, the confidence in 15 %, the box in 15 % of the cases."""
    chance = randomness.random()
    if chance < 0.7:
        return _setting_action(held, key, {"text": _new_text(held, key, number)})
    if chance < 0.85:
        return _setting_action(held, key, {"confidence": Decimal(number % 10**9).scaleb(-9)})
    box = {"x": Decimal(number), "y": Decimal(40), "width": Decimal(120), "height": Decimal(24)}
    return _setting_action(held, key, {"bounding_box": box})


def _edit_and_embed(held: Held, number: int, randomness: Random) -> Action:
    key = randomness.choice(held.keys(randomness.choice(list(Collection))) or [*held.documents])
    text = _new_text(held, key, number)
    edit = _edit(held, key, {"text": text})
    writes = (_setting(key, {"text": text}), lambda writes: writes.vector(key, text))
    return Action(writes, Edit(edit.items, {key: text}))


def _delete(held: Held, _: int, randomness: Random) -> Action:
    """Return a deletion: mostly of a word, else of a line with its words or the whole receipt.

    A receipt with few lines is deleted whole.
    """
    lines, words = held.keys(Collection.LINES), held.keys(Collection.WORDS)
    chance = randomness.random()
    if chance < 0.05 or len(lines) <= _FEWEST_LINES:
        deleted = list(held.items)
    elif chance < 0.3 or not words:
        deleted = held.line_with_words(randomness.choice(lines))
    else:
        deleted = [randomness.choice(words)]
    return Action((lambda writes: writes.delete(deleted),), Edit(dict.fromkeys(deleted)))


def _setting_action(held: Held, key: EntityKey, fields: Mapping[str, Any]) -> Action:
    return Action((_setting(key, fields),), _edit(held, key, fields))


def _setting(key: EntityKey, fields: Mapping[str, Any]) -> Write:
    return lambda writes: writes.set(key, fields)


def _edit(held: Held, key: EntityKey, fields: Mapping[str, Any]) -> Edit:
    return Edit({key: {**(held.items[key] or {}), **fields}})


def _new_text(held: Held, key: EntityKey, number: int) -> str:
    return _renamed(_old(held, key, "text"), number)


def _renamed(text: str, number: int) -> str:
    return f"{text.partition(' ~')[0]} ~{number}"


def _old(held: Held, key: EntityKey, field: str) -> str:
    return str((held.items[key] or {}).get(field) or "")
