"""The smoke test: sends one change of each kind through the system and times each."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.probes.subject import Tools, temporary_receipts
from receipt_ops.visibility import holds
from receipt_sync.clock import Clock

MERCHANT = "Smoke Test & Sons"


@dataclass(frozen=True)
class Timing:
    """Hold a step and the seconds from its write until readers see it."""

    step: str
    seconds: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


OnStep = Callable[[str], None]
"""Receives the description of a step before it begins."""


def smoke_receipt(name: str) -> Receipt:
    """Return the receipt of the smoke test. It has one line of one word."""
    line = Line(text="SMOKE", box=(0, 0, 9, 9))
    return Receipt(receipt=name, company="Smoke Test", lines=(line,))


def smoke(tools: Tools, name: str, clock: Clock, on_step: OnStep = lambda _: None) -> list[Timing]:
    """Insert, rename and delete a receipt of this name, and return the time of each step.

    The receipt has one line of one word, so both collections, both functions and the bucket take
    part. Raises NotVisibleError.
    """
    timings: list[Timing] = []
    begun = clock.monotonic()
    on_step("insert a receipt with its vectors")
    with temporary_receipts(tools, [smoke_receipt(name)]) as subject:
        tools.watcher.until(subject.records, holds({"embedding_status": "SUCCESS"}), "the insert")
        timings.append(Timing("insert", clock.monotonic() - begun))
        on_step("rename its merchant")
        begun = clock.monotonic()
        tools.editor.update(subject.metadata, {"merchant_name": MERCHANT})
        tools.watcher.until(subject.records, holds({"merchant_name": MERCHANT}), "the new merchant")
        timings.append(Timing("rename", clock.monotonic() - begun))
        on_step("delete it")
        begun = clock.monotonic()
    timings.append(Timing("delete", clock.monotonic() - begun))
    return timings
