"""The memory of commands about the whole system does not follow its size.

Python's memory is measured at two sizes. SQLite's own is bounded by the size of its cache.
"""

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest

from receipt_index.deltas import VectorBatch
from receipt_index.records import STALE, Record
from receipt_ops.deployment.function_errors import errors_of
from receipt_ops.loading.items import entities_of
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.logs.log_events import LogLine
from receipt_ops.logs.log_following import FunctionLogs
from receipt_ops.probes.editing import edits
from receipt_ops.probes.stress import Stress
from receipt_ops.repair.backfill import Backfill, Pace
from receipt_ops.repair.delta_index import DeltaIndex, StoredDelta
from receipt_ops.repair.guard import DeleteLimit, Guard
from receipt_ops.repair.ledger import Ledger
from receipt_ops.repair.newest_vectors import NewestVectors
from receipt_ops.repair.outline import Outline
from receipt_ops.repair.place import PlaceFile, TableIdentity
from receipt_ops.repair.repair import Repair
from receipt_ops.spool import Spool
from receipt_ops.table_pages import Page, Position
from receipt_ops.terminal.streamed import Streamed, chunks_of
from receipt_ops.verification.settling import Backlog
from receipt_ops.verification.staleness import stale_ids
from receipt_ops.verification.verdict import Example, Finding
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta
from stream_processor.detection import EntityChange
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.repair.test_backfill import Queue

pytestmark = pytest.mark.measured

SMALL, LARGE = 4_000, 24_000
A_DELTA = 200
WORDS = Collection.WORDS


def key(number: int) -> EntityKey:
    return EntityKey(f"{number // 50:08x}-1111-4222-8333-444455556666", 1, 1, number % 50)


def peak(run: Callable[[int], None], size: int) -> float:
    """MiB that a run needed at most."""
    gc.collect()
    tracemalloc.start()
    run(size)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def ids_of(delta_id: str) -> tuple[str, ...]:
    start = int(delta_id) * A_DELTA
    return tuple(key(number).chroma_id for number in range(start, start + A_DELTA))


class Endless:
    """Delta objects that are made when they are read."""

    def __init__(self, size: int) -> None:
        self.size = size

    def listed(self, collection: Collection) -> Iterator[StoredDelta]:
        yield from (StoredDelta(f"{n:026d}", 1) for n in range(self.size // A_DELTA))

    def outline(self, collection: Collection, delta: StoredDelta) -> Outline:
        return Outline(ids_of(delta.id), 2)

    def read(self, collection: Collection, delta_id: str) -> VectorBatch:
        ids = ids_of(delta_id)
        return VectorBatch(delta_id, ids, np.zeros((A_DELTA, 2), np.float32), ids)


class Nothing:
    """An empty collection, and sinks that keep nothing."""

    def __init__(self) -> None:
        self.deltas = self.changes = 0

    def count(self) -> int:
        return 0

    def delta_ids(self, ids: Sequence[str]) -> Mapping[str, str]:
        return {}

    def store(self, collection: Collection, batch: VectorBatch) -> Delta:
        raise AssertionError("nothing is renewed")


class Deltas(Nothing):
    def send(self, deltas: Sequence[Delta]) -> None:
        self.deltas += len(deltas)


class Changes(Nothing):
    def send(self, changes: Sequence[EntityChange]) -> int:
        self.changes += len(changes)
        return 1


def repair(size: int) -> None:
    """All records are missing; half of them are kept nowhere, and are printed."""
    objects, ledger, deltas = Endless(size // 2), Ledger(), Deltas()
    repairing = Repair(
        Changes(),
        deltas,
        NewestVectors(DeltaIndex(objects), objects, lambda _: 2, ManualClock()),
        {WORDS: Nothing()},
        Guard(DeleteLimit(0.1, 1000), DeleteLimit(0.1, 1000)),
        ManualClock(),
        Random(1),
        ledger,
    )
    for number in range(size):
        repairing.note(Example(Finding.MISSING, WORDS, key(number).chroma_id))
    plan = repairing.plan()
    repairing.send()
    assert (plan.resent, plan.reembed_count) == (size // 2, size // 2)
    assert deltas.deltas == size // 2 // A_DELTA
    assert sum(len(chunk) for chunk in chunks_of(plan.to_json())) > 20 * size


def backfill(size: int, folder: Path) -> None:
    def pages(start: Position | None) -> Iterator[Page]:
        for at in range(0, size, 1_000):
            yield Page(
                {key(n): {} for n in range(at, at + 1_000)},
                {"PK": {"S": "IMAGE#i"}, "SK": {"S": str(at)}},
            )

    changes = Changes()
    place = PlaceFile(folder / "place", TableIdentity("table", "here", "id"))
    Backfill(pages, changes, Queue(), place, ManualClock(), Pace(1e9, 5)).run()
    assert changes.changes == size


class Stale:
    """Records that are all stale."""

    def __init__(self, size: int) -> None:
        self.size = size

    def ids(self) -> Iterator[str]:
        return (key(number).chroma_id for number in range(self.size))

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        return {i: Record(i, {STALE: True}, "text") for i in ids}


def stale(size: int) -> None:
    with Spool() as spool:
        for chroma_id in stale_ids(Stale(size)):
            spool.add(chroma_id)
        assert len(spool) == size
        assert sum(len(c) for c in chunks_of({"ids": Streamed(spool)})) > 20 * size


class Log:
    """A log of ten lines a second, each an error that two of the terms find."""

    def __init__(self, size: int) -> None:
        self.size = size

    def lines(
        self, function: str, since: datetime, containing: str | None = None
    ) -> Iterator[LogLine]:
        if containing in (None, "ERROR", "CRITICAL"):
            for number in range(self.size):
                at, text = since + number * timedelta(seconds=0.1), f"ERROR CRITICAL {number}"
                yield LogLine(at, function, text, str(number), None)


def logs(size: int, *, errors: bool) -> None:
    found = FunctionLogs(Log(size), ("stream", "compactor"), errors=errors)
    lines = found.lines(ManualClock(), timedelta(days=1), follow=False)
    assert sum(1 for _ in lines) == 2 * size


def errors_of_status(size: int) -> None:
    found = errors_of(Log(size), "f", datetime(2026, 1, 1, tzinfo=UTC))
    assert found is not None
    assert (found.count, found.last) == (size, f"ERROR CRITICAL {size - 1}")


@pytest.mark.parametrize("errors", [False, True, None])
def test_memory_does_not_follow_the_number_of_log_lines(errors: bool | None) -> None:
    def run(size: int) -> None:
        if errors is None:
            errors_of_status(size)
        else:
            logs(size, errors=errors)

    run(2_000)
    small, large = peak(run, SMALL), peak(run, LARGE)
    assert large < small + 0.5, (small, large)


@pytest.mark.parametrize("command", ["repair", "backfill", "stale"])
def test_memory_does_not_follow_the_number_of_records(command: str, tmp_path: Path) -> None:
    """`repair` needed 412 bytes a missing record: 20 MiB more for these two sizes."""
    runs: dict[str, Callable[[int], None]] = {
        "repair": repair,
        "backfill": lambda size: backfill(size, tmp_path),
        "stale": stale,
    }
    run = runs[command]
    run(2_000)  # what is loaded and cached once
    small, large = peak(run, SMALL), peak(run, LARGE)
    assert large < small + 0.5, (small, large)


def test_a_streamed_list_is_the_same_json_as_a_list() -> None:
    for items in ([], ["a"], ["a", "b", {"c": [1, None]}]):
        content = {"before": 1, "items": Streamed(iter(items)), "after": [True]}
        text = "".join(chunks_of(content))
        assert json.loads(text) == {"before": 1, "items": items, "after": [True]}


def test_a_spool_gives_back_any_text_in_its_order() -> None:
    texts = ["a", "two\nlines", "", "ü" * 10]
    with Spool() as spool:
        for text in texts:
            spool.add(text)
        assert (list(spool), list(spool), len(spool)) == (texts, texts, 4)


class Unchanged:
    """A table that takes every edit and keeps none."""

    def update(self, key: EntityKey, fields: Mapping[str, object]) -> bool:
        return True

    def delete(self, key: EntityKey) -> bool:
        return True


def test_memory_of_a_stress_test_does_not_follow_the_number_of_its_changes() -> None:
    subject = list(entities_of(next(iter(synthetic_receipts(1, Random(1))))))

    def run(size: int) -> None:
        stress = Stress(Unchanged(), lambda: Backlog(0, 0), ManualClock())
        assert stress.run(edits(subject, Random(1)), size / 60, 60).written == size

    run(SMALL)  # The first run loads what every run needs.
    small, large = peak(run, SMALL), peak(run, LARGE)
    assert large < small + 0.5, (small, large)
