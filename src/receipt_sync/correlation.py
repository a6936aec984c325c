"""Log lines that name messages and receipts. `receipt-sync trace` searches for these lines."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Final

from receipt_sync.keys import EntityKey, ReceiptKey
from receipt_sync.telemetry import Telemetry

_A_LINE: Final = 200
"""Number of ids in a log line. It keeps the line far below CloudWatch's limit of 256 KiB an
event.
"""


def log_ids(telemetry: Telemetry, event: str, **ids: Iterable[str]) -> None:
    """Log all ids as `event`, in as many lines as needed."""
    parts = {name: list(_parts(list(of_name))) for name, of_name in ids.items()}
    for line in zip_longest(*parts.values(), fillvalue=[]):
        named = dict(zip(parts, line, strict=True))
        telemetry.event(event, **{name: some for name, some in named.items() if some})


def receipt_names(keys: Iterable[EntityKey]) -> list[str]:
    """Return the names of the entities' receipts.

    The ids of all records of a receipt begin with its name.
    """
    # The first two parts of an entity's key are the key of its receipt.
    return sorted(receipt_name(ReceiptKey(*receipt)) for receipt in {key[:2] for key in keys})


def receipt_name(receipt: ReceiptKey) -> str:
    """Return the name of a receipt in log lines."""
    return f"IMAGE#{receipt.image_id}#RECEIPT#{receipt.receipt_id:05d}"


def _parts(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _A_LINE] for start in range(0, len(ids), _A_LINE))
