"""The text format of receipts: one JSON object for each line.

    {"receipt": "000", "company": "…", "address": "…", "date": "…", "total": "…",
     "lines": [{"text": "…", "box": [x1, y1, x2, y2]}]}

A box names the upper left and the lower right corner, in pixels of the scanned image. The
company, address, date and total may be null or missing. A line may have a confidence
between 0 and 1.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from receipt_ops.errors import MalformedReceiptError
from receipt_sync.validation import describe

_FAULTS_SHOWN = 3
_WORD = re.compile(r"\S+")

Coordinate = Annotated[float, Field(strict=True, ge=-1e6, le=1e6, allow_inf_nan=False)]
Text = Annotated[str, Field(strict=True, max_length=10_000)]


class BoundingBox(NamedTuple):
    """Holds the corners of a rectangle in pixels. y grows downwards."""

    x1: float
    y1: float
    x2: float
    y2: float


class Word(NamedTuple):
    """Holds a part of a line's text and its part of the line's box."""

    text: str
    box: BoundingBox


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Line(_Strict):
    """Holds one line from the text recognition."""

    text: Text
    box: tuple[Coordinate, Coordinate, Coordinate, Coordinate]
    confidence: Annotated[float, Field(strict=True, ge=0, le=1)] | None = None

    @model_validator(mode="after")
    def _holds_a_word_in_a_box(self) -> Self:
        if not _WORD.search(self.text):
            raise ValueError("text must hold a character that is not white space")
        box = BoundingBox(*self.box)
        if box.x1 > box.x2 or box.y1 > box.y2:
            raise ValueError("box must be [x1, y1, x2, y2] with x1 <= x2 and y1 <= y2")
        return self

    def words(self) -> list[Word]:
        """Return the words of the text, split at white space.

        The boxes are interpolated by the position of the characters.
        """
        box, length = BoundingBox(*self.box), len(self.text)

        def at(position: int) -> float:
            return box.x1 + (box.x2 - box.x1) * position / length

        return [
            Word(match[0], box._replace(x1=at(match.start()), x2=at(match.end())))
            for match in _WORD.finditer(self.text)
        ]


class Receipt(_Strict):
    """Holds one receipt. Its keys follow from its name, `receipt`."""

    receipt: Annotated[str, Field(strict=True, min_length=1, max_length=1_000)]
    company: Text | None = None
    address: Text | None = None
    date: Text | None = None
    total: Text | None = None
    lines: tuple[Line, ...]


def read_receipts(path: Path) -> Iterator[Receipt]:
    """Yield the receipts of a file, one at a time. Blank lines are skipped.

    Raises MalformedReceiptError at the first line that breaks the format. Raises it too if a line
    repeats the name of an earlier receipt, because the second would overwrite the first.
    """
    first_seen: dict[str, int] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.isspace():
                continue
            receipt = _validated(path, number, line)
            earlier = first_seen.setdefault(receipt.receipt, number)
            if earlier != number:
                raise MalformedReceiptError(
                    f"{path}, line {number}: receipt: line {earlier} has the same name, and this "
                    "line would overwrite it: give every receipt its own name"
                )
            yield receipt


def _validated(path: Path, number: int, line: bytes) -> Receipt:
    try:
        return Receipt.model_validate_json(line)
    except ValidationError as error:
        raise MalformedReceiptError(
            f"{path}, line {number}: {describe(error, _FAULTS_SHOWN)}"
        ) from error
