"""Sentences for content that breaks a Pydantic model, without the refused values (I8)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("in UTC, the time is outside of the years 1 to 9999") from error


UtcDatetime = Annotated[AwareDatetime, Field(strict=True), AfterValidator(_in_utc)]
"""A time with a zone, converted to UTC. An integer or a text without a zone is refused.

A text of digits is seconds since 1970.
"""


class Fault(NamedTuple):
    """Holds the place of a fault in the content, Pydantic's type of the fault, and the rule."""

    place: tuple[int | str, ...]
    type: str
    rule: str


def faults_of(error: ValidationError) -> list[Fault]:
    """Return the faults of the content, none with the content itself."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [
        Fault(one["loc"], one["type"], one["msg"].removeprefix("Value error, ")) for one in found
    ]


def describe(
    error: ValidationError,
    most: int | None = None,
    part: Callable[[int | str], str] = str,
    whole: str = "",
) -> str:
    """Return a sentence with the place and the broken rule of each fault.

    The sentence names at most `most` faults and counts the others. `part` returns the name of a
    part of a place. `whole` is the place of a fault of the whole content.
    """
    found = faults_of(error)
    shown = [_described(fault, part, whole) for fault in found[:most]]
    more = len(found) - len(shown)
    return "; ".join([*shown, *([f"and {more} more"] if more else [])])


def _described(fault: Fault, part: Callable[[int | str], str], whole: str) -> str:
    place = ".".join(map(part, fault.place)) or whole
    return f"{place}: {fault.rule}" if place else fault.rule
