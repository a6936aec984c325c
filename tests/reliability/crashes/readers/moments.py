"""The moments at which a reader can be killed."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from enum import StrEnum
from typing import Any, Final
from unittest.mock import patch

from receipt_index.snapshot.copies import base, layers
from receipt_index.snapshot.format import pack
from receipt_index.snapshot.format.pack import PackedFile
from receipt_index.snapshot.format.pages import copy_pages
from receipt_index.snapshot.reading import handover, reader, turns
from tests.reliability.crashes.readers.store import FolderStore

_FOR_EVER: Final = 3_600.0

Reached = Callable[[], None]


class Moment(StrEnum):
    """The moments. A report shows their values."""

    RANDOM = "at a random time"
    FETCH = "an object is about to be fetched"
    BLOCK = "some blocks of a base are written"
    HALF_APPLIED = "half of a pack's pages are applied"
    APPLIED = "a pack is applied, and the state is the one before"
    STATE = "the state is written"
    FIRST_COPY = "the copy to serve is half made"
    NOTED = "what the served copy lacks is noted"
    OPENED = "the next version is open and warm"
    SWAPPED = "the next version is served, the old copy is not closed"
    HALF_HANDED_OVER = "the old copy is half the mirror"


class Pause:
    """Announces a moment once, after `skipped` occurrences, and waits there to be killed."""

    def __init__(self, skipped: int, announce: Callable[[], None]) -> None:
        self._skipped, self._announce = skipped, announce

    def __call__(self) -> None:
        self._skipped -= 1
        if self._skipped < 0:
            self._announce()
            time.sleep(_FOR_EVER)


def hooked(moment: Moment, pause: Reached) -> AbstractContextManager[Any]:
    """Return production with a call of `pause` at the moment."""
    stack = ExitStack()
    for target, name, make in _HOOKS.get(moment, ()):
        stack.enter_context(patch.object(target, name, make(getattr(target, name), pause)))
    return stack


def _before(real: Callable[..., Any], pause: Reached) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        pause()
        return real(*arguments, **named)

    return call


def _after(real: Callable[..., Any], pause: Reached) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        result = real(*arguments, **named)
        pause()
        return result

    return call


def _half_written(real: Callable[..., Any], pause: Reached) -> Callable[..., Any]:
    def write(path: Any, packed: PackedFile, content: bytes, start: int) -> int:
        half = packed.model_copy(update={"pages": packed.pages[: -(-len(packed.pages) // 2)]})
        real(path, half, content, start)
        pause()
        return int(real(path, packed, content, start))

    return write


def _half_copied(real: Callable[..., Any], pause: Reached) -> Callable[..., Any]:
    def copy(source: Any, target: Any, pages: list[int]) -> None:
        real(source, target, pages[: -(-len(pages) // 2)])
        pause()
        real(source, target, pages)

    return copy


def _in_first_copy(real: Callable[..., Any], pause: Reached) -> Callable[..., Any]:
    from receipt_index.snapshot.copies import synchronise

    def make(*arguments: Any) -> None:
        half = _half_copied(copy_pages, pause)
        with patch.object(synchronise, "copy_pages", half):
            real(*arguments)

    return make


def _handing_over(real: Callable[..., Any], pause: Reached) -> Callable[..., Any]:
    def apply(self: Any) -> Any:
        with patch.object(handover, "copy_pages", _half_copied(copy_pages, pause)):
            return real(self)

    return apply


_HOOKS: Final[dict[Moment, tuple[tuple[Any, str, Any], ...]]] = {
    Moment.FETCH: ((FolderStore, "read", _before),),
    Moment.BLOCK: ((base, "_restore_block", _after),),
    Moment.HALF_APPLIED: ((pack, "_write_pages", _half_written),),
    Moment.APPLIED: ((layers, "apply_pack", _after),),
    Moment.STATE: ((turns, "write_state", _after),),
    Moment.FIRST_COPY: ((turns, "synchronise", _in_first_copy),),
    Moment.NOTED: ((turns, "Handover", _after),),
    Moment.OPENED: ((reader.SnapshotReader, "_opened", _after),),
    Moment.SWAPPED: ((turns.Turns, "swapped", _before),),
    Moment.HALF_HANDED_OVER: ((handover.Handover, "apply", _handing_over),),
}

ON_FOLLOWING: Final = (
    Moment.RANDOM,
    Moment.FETCH,
    Moment.HALF_APPLIED,
    Moment.APPLIED,
    Moment.STATE,
    Moment.NOTED,
    Moment.OPENED,
    Moment.SWAPPED,
    Moment.HALF_HANDED_OVER,
)
ON_STARTING: Final = (
    Moment.RANDOM,
    Moment.FETCH,
    Moment.BLOCK,
    Moment.APPLIED,
    Moment.STATE,
    Moment.FIRST_COPY,
    Moment.OPENED,
)
"""The moments that a reader without a folder passes before it serves."""
