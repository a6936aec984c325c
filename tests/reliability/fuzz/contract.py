"""The effects that no input may have."""

import json
from typing import Any, Final

from receipt_sync.errors import SyncError
from receipt_sync.sqs_text import legal
from tests.reliability.fuzz.seeds import SECRET
from tests.support.fakes.telemetry import RecordingTelemetry

APPLIED: Final = "applied"
IGNORED: Final = "ignored"
PARKED: Final = "parked"


class BrokenContractError(AssertionError):
    """An input had a forbidden effect."""


class NoJSONError(SyncError):
    """The input cannot arrive here, because the caller has parsed it."""


def any_json(data: bytes) -> Any:
    try:
        return json.loads(any_text(data))
    except (ValueError, RecursionError) as error:
        raise NoJSONError("no JSON") from error


def check_silent(error: BaseException) -> None:
    """Check that an error quotes no text."""
    if SECRET in str(error):
        raise BrokenContractError(f"{type(error).__name__} quotes receipt text")


def check_quiet(reasons: list[str], telemetry: RecordingTelemetry) -> None:
    lines = [*telemetry.events, *telemetry.problems]
    # An input may have put a text into a key, and a log may name keys (I8).
    without_keys = [{**fields, "receipts": None} for _, fields in lines]
    said = [*reasons, *map(repr, without_keys)]
    if any(SECRET in text for text in said):
        raise BrokenContractError("a reason or a log line quotes receipt text")
    if not all(reasons):
        raise BrokenContractError("something was set aside without a reason")
    for kept in (telemetry.events, telemetry.problems, telemetry.values, telemetry.steps):
        kept.clear()


def any_text(data: bytes) -> str:
    """Return any text that Python can hold, with lone surrogates too."""
    return data.decode("utf-8", "surrogateescape")


def body_text(data: bytes) -> str:
    """Return a text of the characters that SQS accepts, from UTF-8."""
    return legal(data.decode("utf-8", "replace"))
