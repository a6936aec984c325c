"""`make demo` runs the whole system on the local AWS and shows that a search follows the writes.

It starts the local AWS if none runs, and stops it only if it started it.
"""

import os
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated, Final

import typer
from rich.progress import Progress
from ulid import ULID

from demo.screen import show_end, show_step
from demo.story import Cast, Query, Step, choose, steps
from local.endings import ends_in_a_sentence
from local.screen import step, timed
from local.shared import running_or_started
from local.stack import Stack
from local.state import State
from receipt_index.reader import Readers
from receipt_index.snapshot.format.manifest import read_manifest
from receipt_index.snapshot.store.snapshot_store import FetchedManifest
from receipt_ops.connection import Connection, connect
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.load import LoadReport, survey
from receipt_ops.loading.receipts import Receipt, read_receipts
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.tasks import Receipts, load_with_progress
from receipt_ops.readers import snapshot_readers
from receipt_ops.searching import Hit, search
from receipt_ops.snapshots.wiring import store_of
from receipt_ops.terminal.console import notes, progress_bars
from receipt_ops.terminal.failures import explained
from receipt_ops.verification.recall import SearchVerdict
from receipt_ops.verification.recall_tasks import compare_search
from receipt_ops.verification.settling import Backlog, settle
from receipt_ops.verification.tasks import settle_with_progress, verify_once
from receipt_ops.verification.verdict import Verdict
from receipt_ops.verification.wiring import backlog_of
from receipt_ops.visibility import NotVisibleError, Watcher
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

DIFFERENCE_FOUND: Final = 1
STEP_PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.05
_HITS: Final = 3
_EXAMPLES: Final = 5


@ends_in_a_sentence("demo")
def demo(
    receipts: Annotated[
        Path | None,
        typer.Option(
            help="File of receipts: one JSON object in each line.", exists=True, dir_okay=False
        ),
    ] = None,
    count: Annotated[
        int, typer.Option(help="Number of synthetic receipts without --receipts.", min=2)
    ] = 50,
    seed: Annotated[int, typer.Option(help="Seed of the synthetic receipts.")] = 1,
    patience: Annotated[
        float, typer.Option(help="Seconds until readers must see the loaded receipts.", min=1)
    ] = 1_800,
    state: Annotated[
        Path | None, typer.Option(help="State folder of the local AWS.", show_default=".local")
    ] = None,
) -> None:
    """Load receipts, change them, and show that readers follow.

    Exit 0 only if table and snapshot agree at the end, and searches find what is stored.

    Example: python -m demo --count 50

    Example: python -m demo --receipts receipts.jsonl
    """
    source: Receipts = (
        (lambda: read_receipts(receipts))
        if receipts
        else (lambda: synthetic_receipts(count, Random(seed)))
    )
    planned = survey(source())
    cast = choose(source(), _new_receipt())
    with running_or_started(os.environ, State.at(state), step, _note_present) as stack:
        verdict, searched = _play_story(stack, source, planned, cast, patience)
    if not (verdict.is_equal and searched.is_good):
        raise typer.Exit(DIFFERENCE_FOUND)


def _note_present(stack: Stack) -> None:
    notes().print(f"using the local AWS at {stack.endpoint}", soft_wrap=True)


def _play_story(
    stack: Stack, source: Receipts, planned: LoadReport, cast: Cast, patience: float
) -> tuple[Verdict, SearchVerdict]:
    connection = connect(stack.variables, Path())
    with explained(connection), snapshot_readers(connection) as readers:
        with timed(f"{planned.receipts:,} receipts loaded: {planned.items:,} items, with vectors"):
            load_with_progress(connection, source, planned)
        with timed(f"{planned.vectors:,} records published, table and snapshot agree"):
            _await_arrival(connection, readers, planned, patience)
        seen = [
            (chapter.title, _play(number, chapter, readers))
            for number, chapter in enumerate(steps(cast, connection), start=1)
        ]
        verdict, _ = settle_with_progress(connection, readers, STEP_PATIENCE_SECONDS, _EXAMPLES)
        searched = compare_search(readers, None, None, _EXAMPLES)
    show_end(seen, verdict, searched)
    return verdict, searched


def _await_arrival(
    connection: Connection, readers: Readers, planned: LoadReport, patience: float
) -> None:
    """Wait until table and snapshot agree. Raises NotVisibleError."""
    with progress_bars() as progress:
        settled = settle(
            lambda: verify_once(connection, readers, _EXAMPLES),
            backlog_of(connection),
            SystemClock(),
            patience,
            _arrival_bar(connection, progress, planned),
        )
    if not settled.settled:
        raise NotVisibleError(
            f"{settled.verdict.faults:,} records differ between table and snapshot after "
            f"{patience:g} s: read the compactor's log"
        )


def _arrival_bar(
    connection: Connection, progress: Progress, planned: LoadReport
) -> Callable[[Backlog, float], None]:
    bar = progress.add_task("records published", total=planned.vectors)

    def on_progress(left: Backlog, _: float) -> None:
        progress.update(bar, completed=_published(connection))
        progress.update(bar, description=f"records published ({left})")

    return on_progress


def _published(connection: Connection) -> int:
    """Return the number of records that the published manifests name."""
    total = 0
    for collection in Collection:
        store = store_of(connection, collection)
        got = store.manifest(None)
        if isinstance(got, FetchedManifest):
            total += read_manifest(got.data, collection).record_count
    return total


def _play(number: int, chapter: Step, readers: Readers) -> float:
    """Search, write, wait until readers see the write, and search again.

    Return the seconds waited.
    """
    before = _search(readers, chapter.query)
    chapter.write()
    with notes().status("waiting until readers see it"):
        watcher = Watcher(readers, SystemClock(), STEP_PATIENCE_SECONDS, _POLL_SECONDS)
        seconds = watcher.until_true(lambda: chapter.visible(readers), chapter.title)
    show_step(number, chapter, before, _search(readers, chapter.query), seconds)
    return seconds


def _search(readers: Readers, query: Query) -> Sequence[Hit]:
    return search(readers[query.collection], embed, query.text, _HITS, query.merchant)


def _new_receipt() -> Receipt:
    """Return a receipt that no earlier run has added."""
    run = str(ULID())
    (receipt,) = islice(synthetic_receipts(1, Random(run)), 1)
    company = f"Demo Corner Shop {run[-4:]}"
    return receipt.model_copy(update={"receipt": f"demo-{run}", "company": company})
