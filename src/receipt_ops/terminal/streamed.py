"""JSON lists that are encoded item by item, without the whole list in memory."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

_NO_NUMBER: Final = re.compile(r"(NaN|-?Infinity)\Z")


class Streamed(list[Any]):
    """A list of items that the encoder reads one after another, and only once.

    The encoder of the standard library accepts only lists. It asks whether a list is empty, and
    iterates over it.
    """

    def __init__(self, items: Iterable[Any]) -> None:
        self._left = iter(items)
        first = list(next_of(self._left))
        super().__init__(first)  # The first item makes bool() correct.

    def __iter__(self) -> Iterator[Any]:
        return chain(super().__iter__(), self._left)


def chunks_of(content: Any) -> Iterator[str]:
    """Return the JSON text of a result, piece by piece."""
    # Only the encoder in Python yields a list's pieces one by one. An indent selects this encoder.
    encoder = json.JSONEncoder(indent=2, ensure_ascii=False, default=str)
    return map(_sound, encoder.iterencode(content))


def line_of(content: Any) -> str:
    """Return the JSON text of a result on one line."""
    encoder = json.JSONEncoder(ensure_ascii=False, default=str)
    return "".join(map(_sound, encoder.iterencode(content)))


def _sound(piece: str) -> str:
    """Return a piece in which a number that JSON lacks (NaN, Infinity) is a text.

    A text in JSON ends with a quote, so a piece that ends with such a word is a number.
    """
    return _NO_NUMBER.sub(r'"\g<0>"', piece)


def next_of(items: Iterator[Any]) -> Iterator[Any]:
    """Yield the next item, if there is one."""
    for item in items:
        yield item
        return
