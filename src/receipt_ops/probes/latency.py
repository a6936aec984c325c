"""The latency of single changes, from a change's write until readers see it."""

from collections.abc import Callable

from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.probes.subject import Subject, Tools, temporary_receipts
from receipt_ops.visibility import holds
from receipt_sync.clock import Clock

Advance = Callable[[float], None]


def latency_receipt(name: str) -> Receipt:
    """Return the receipt that is changed. It has one line of one word."""
    line = Line(text="LATENCY", box=(0, 0, 9, 9))
    return Receipt(receipt=name, company="Latency", lines=(line,))


def measure(
    tools: Tools, name: str, changes: int, clock: Clock, advance: Advance = lambda _: None
) -> list[float]:
    """Change a receipt of this name `changes` times, and return the seconds of each change.

    The function waits for a change before it makes the next, so its changes do not delay each
    other. Raises NotVisibleError.
    """
    with temporary_receipts(tools, [latency_receipt(name)]) as subject:
        tools.watcher.until(subject.records, holds({"embedding_status": "SUCCESS"}), "the receipt")
        found = []
        for number in range(changes):
            found.append(_one(tools, subject, number, clock))
            advance(found[-1])
        return found


def _one(tools: Tools, subject: Subject, number: int, clock: Clock) -> float:
    line = subject.records[0]
    begun = clock.monotonic()
    tools.editor.update(line, {"text": f"LATENCY {number}"})
    tools.watcher.until([line], holds({"text": f"LATENCY {number}"}), f"change {number + 1}")
    return clock.monotonic() - begun
