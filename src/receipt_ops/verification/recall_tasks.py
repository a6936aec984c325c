"""Compares the search of the published index with an exact search, and shows the progress."""

from random import Random, SystemRandom

from receipt_index.reader import Reader, Readers
from receipt_ops.errors import EmptySelectionError, OperationError
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
    """Search for every distinct vector, or for a random share of them, with progress bars.

    Raises OperationError for a Chroma server, and EmptySelectionError if nothing is published.
    """
    clock = SystemClock()
    begun = clock.monotonic()
    randomness = SystemRandom() if seed is None else Random(seed)
    for collection, reader in readers.items():
        if not reader.is_fixed:
            raise OperationError(
                f"{collection} is on a Chroma server, which changes during the comparison, so its "
                "figures would be wrong: --search compares published snapshots (CHROMA_TARGET "
                "local)"
            )
        reader.refresh()
    if not any(reader.version and reader.count() for reader in readers.values()):
        raise EmptySelectionError(
            "no collection has a published record, so there is nothing to search for: load "
            "receipts, or check SNAPSHOT_BUCKET"
        )
    recalls = {
        collection: _recall(reader, collection, share, randomness, examples)
        for collection, reader in readers.items()
    }
    return SearchVerdict(recalls, clock.monotonic() - begun)


def _recall(
    reader: Reader, name: str, share: float | None, randomness: Random, examples: int
) -> Recall:
    if not reader.version:
        return Recall()
    recall = Recall(reader.version, reader.count(), is_exact=reader.search_is_exact)
    with scratch() as folder, progress_bars() as progress:
        distinct = DistinctVectors(folder)
        reading = progress.add_task(f"{name}: vectors read", total=recall.records)
        distinct.read(reader, lambda count: progress.advance(reading, count), examples)
        total = distinct.count * (1 if share is None else share)
        searching = progress.add_task(f"{name}: searches", total=total)
        measure(
            recall,
            reader,
            distinct,
            chosen_rows(distinct.count, share, randomness),
            examples,
            lambda count: progress.advance(searching, count),
        )
        distinct.close()
    return recall
