"""Compares the search of the published index with an exact search, and shows the progress."""

from random import Random, SystemRandom

from receipt_index.reader import Reader, Readers
from receipt_ops.scratch import scratch
from receipt_ops.terminal.console import progress_bars
from receipt_ops.verification.recall import (
    DistinctVectors,
    Recall,
    SearchVerdict,
    chosen_rows,
    measure,
)
from receipt_sync.clock import SystemClock


def compare_search(
    readers: Readers, share: float | None, seed: int | None, examples: int
) -> SearchVerdict:
    """Search for every distinct vector, or for a random share of them, with progress bars."""
    clock = SystemClock()
    begun = clock.monotonic()
    randomness = SystemRandom() if seed is None else Random(seed)
    recalls = {
        collection: _recall(reader, collection, share, randomness, examples)
        for collection, reader in readers.items()
    }
    return SearchVerdict(recalls, clock.monotonic() - begun)


def _recall(
    reader: Reader, name: str, share: float | None, randomness: Random, examples: int
) -> Recall:
    reader.refresh()
    if not reader.version:
        return Recall()
    recall = Recall(reader.version, reader.count())
    with scratch() as folder, progress_bars() as progress:
        distinct = DistinctVectors(folder / "vectors")
        reading = progress.add_task(f"{name}: vectors read", total=recall.records)
        distinct.read(reader, lambda count: progress.advance(reading, count))
        rows = chosen_rows(len(distinct.ids), share, randomness)
        searching = progress.add_task(f"{name}: searches", total=len(rows))
        measure(
            recall,
            reader,
            distinct,
            rows,
            examples,
            lambda count: progress.advance(searching, count),
        )
    return recall
