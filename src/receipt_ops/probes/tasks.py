"""Runs the stress test on a deployment, and edits and deletes test receipts, with progress."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from ulid import ULID

from receipt_ops.connection import Connection
from receipt_ops.loading.items import Entity
from receipt_ops.loading.receipts import Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.wiring import writer_of
from receipt_ops.probes.editing import Edit, apply, edits
from receipt_ops.probes.stress import Stress, StressReport
from receipt_ops.probes.subject import Subject, delete, temporary_receipts
from receipt_ops.probes.wiring import check_deletable, checked_tools, editor_of, watcher_of
from receipt_ops.readers import snapshot_readers
from receipt_ops.terminal.console import progress_bars
from receipt_ops.verification.scope import SomeReceipts
from receipt_ops.verification.settling import Settled
from receipt_ops.verification.tasks import settle_with_progress
from receipt_ops.verification.wiring import backlog_of, source_of
from receipt_ops.visibility import holds
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline
from receipt_sync.keys import EntityKey

_PATIENCE_SECONDS = 300.0


@dataclass(frozen=True)
class StressLoad:
    """Holds the changes per second, the seconds, the number of test receipts, and the seed."""

    rate: float
    seconds: float
    receipts: int
    seed: int


def stress(
    connection: Connection, load: StressLoad, timeout: float
) -> tuple[StressReport, Settled, float]:
    """Write changes to test receipts at a steady rate, and verify the receipts afterwards.

    Return the counts, the verdict, and the seconds from the last write to the verdict.
    """
    made = _receipts(load.receipts, Random(load.seed))
    with (
        checked_tools(connection, timeout, made) as tools,
        temporary_receipts(tools, made) as subject,
    ):
        seen = holds({"embedding_status": "SUCCESS"})
        tools.watcher.until(subject.records, seen, "the receipts")
        report = _write(connection, subject, load)
        settled, took = _settle(connection, subject, timeout)
    return report, settled, took


def check_stress(connection: Connection, load: StressLoad, timeout: float) -> None:
    """Make every check of `stress`, and write nothing."""
    with checked_tools(connection, timeout, _receipts(load.receipts, Random(load.seed))):
        pass


def _receipts(count: int, randomness: Random) -> list[Receipt]:
    """Return synthetic receipts with new names."""
    series = ULID()
    made = synthetic_receipts(count, randomness)
    return [
        receipt.model_copy(update={"receipt": f"stress-{series}-{number}"})
        for number, receipt in enumerate(made)
    ]


def _write(connection: Connection, subject: Subject, load: StressLoad) -> StressReport:
    stress = Stress(editor_of(connection), backlog_of(connection), SystemClock())
    made = edits(subject.entities, Random(load.seed))
    with progress_bars() as progress:
        bar = progress.add_task("changes written", total=round(load.rate * load.seconds))
        return stress.run(
            made,
            load.rate,
            load.seconds,
            lambda written, _: progress.update(bar, completed=written),
        )


def _settle(connection: Connection, subject: Subject, timeout: float) -> tuple[Settled, float]:
    """Return the verdict on the changed receipts, and the seconds until the verdict."""
    clock = SystemClock()
    begun = clock.monotonic()
    receipts = list(dict.fromkeys(entity.key.receipt for entity in subject.entities))
    scope = SomeReceipts(source_of(connection), receipts)
    with snapshot_readers(connection) as readers:
        settled = settle_with_progress(connection, readers, timeout, 5, scope)
    return settled, clock.monotonic() - begun


def existing_keys(connection: Connection, entities: Sequence[Entity]) -> list[EntityKey]:
    """Return the keys of the entities whose items exist.

    Raises TooManyReceiptsError if the compactor would refuse their deletion.
    """
    deadline = Deadline(SystemClock(), _PATIENCE_SECONDS)
    items = source_of(connection).get([entity.key for entity in entities], deadline)
    keys = [key for key, item in items.items() if item is not None]
    check_deletable(connection, keys, are_loaded=True)
    return keys


def delete_with_progress(connection: Connection, keys: Sequence[EntityKey]) -> None:
    """Delete items, and wait until their records have left the snapshot."""
    with snapshot_readers(connection) as readers, progress_bars() as progress:
        bar = progress.add_task("items deleted", total=len(keys))
        for reader in readers.values():
            reader.refresh()  # A reader without a version holds no record, as if all were deleted.
        watcher = watcher_of(readers, _PATIENCE_SECONDS)
        delete(writer_of(connection), watcher, keys, lambda n: progress.advance(bar, n))


def edit_with_progress(connection: Connection, made: Sequence[Edit]) -> dict[str, int]:
    """Make edits, and return how many of each kind were made and how many items are gone."""
    done: Counter[str] = Counter()
    editor = editor_of(connection)
    with progress_bars() as progress:
        for edit in progress.track(made, description="edits"):
            done[edit.kind.value if apply(editor, edit) else "items gone"] += 1
    return dict(done)
