"""Lists in JSON that are never held as a whole."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

_NO_NUMBER: Final = re.compile(r"(NaN|-?Infinity)\Z")


class Streamed(list[Any]):
    """Items that the encoder takes one after another, and once.

    The standard library's encoder takes lists only, asks them whether they are empty, and iterates.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        self._left = iter(items)
        first = list(next_of(self._left))
        super().__init__(first)  # so that bool() tells an empty list

    def __iter__(self) -> Iterator[Any]:
        return chain(super().__iter__(), self._left)


def chunks_of(content: Any) -> Iterator[str]:
    """Return the JSON text of a result, piece by piece."""
    # Only the encoder in Python, which an indent selects, gives a list's pieces as they come.
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False, default=str)
    return map(_sound, encoder.iterencode(content))


def line_of(content: Any) -> str:
    """Return the JSON text of a result on one line."""
    encoder = json.JSONEncoder(ensure_ascii=False, default=str)
    return "".join(map(_sound, encoder.iterencode(content)))


def _sound(piece: str) -> str:
    """Return a piece with a number that JSON lacks as a text.

    A text ends with a quote, so what ends with such a word is a number.
    """
    return _NO_NUMBER.sub(r'"\g<0>"', piece)


def next_of(items: Iterator[Any]) -> Iterator[Any]:
    """Return the next item, if there is one."""
    for item in items:
        yield item
        return
