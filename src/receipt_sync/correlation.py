"""Log lines that name messages and receipts, by which `receipt-sync trace` finds one's way."""

from collections.abc import Iterable
from itertools import zip_longest
from typing import Final

from receipt_sync.keys import EntityKey, ReceiptKey
from receipt_sync.telemetry import Telemetry

_A_LINE: Final = 200
"""Ids; a log line stays far below CloudWatch's limit of an event, 256 KiB."""


def tell(telemetry: Telemetry, event: str, **ids: Iterable[str]) -> None:
    """Name every id in as many lines as it takes."""
    parts = {name: list(_parts(list(of_name))) for name, of_name in ids.items()}
    for line in zip_longest(*parts.values(), fillvalue=[]):
        named = dict(zip(parts, line, strict=True))
        telemetry.event(event, **{name: some for name, some in named.items() if some})


def receipt_names(keys: Iterable[EntityKey]) -> list[str]:
    """The receipts of some entities: what the ids of all of a receipt's records begin with."""
    # The first two parts of a key are its receipt's.
    return sorted(receipt_name(ReceiptKey(*receipt)) for receipt in {key[:2] for key in keys})


def receipt_name(receipt: ReceiptKey) -> str:
    return f"IMAGE#{receipt.image_id}#RECEIPT#{receipt.receipt_id:05d}"


def _parts(ids: list[str]) -> Iterable[list[str]]:
    return (ids[start : start + _A_LINE] for start in range(0, len(ids), _A_LINE))
