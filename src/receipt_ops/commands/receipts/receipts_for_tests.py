"""The commands `receipt-sync create-test-receipts` and `receipt-sync modify-test-receipts`."""

from collections import Counter
from itertools import islice
from random import Random
from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.commands.probes.probe_parts import check_deletable
from receipt_ops.commands.receipts.load import check_reachable, load_with_progress, writer_of
from receipt_ops.commands.selection import source_of
from receipt_ops.connection import Connection
from receipt_ops.environment import connection_of_process
from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.load import survey
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.probes.editing import WEIGHTS, Edit, Kind, TableEditor, apply, edits
from receipt_ops.probes.subject import delete
from receipt_ops.probes.watching import Watcher
from receipt_ops.readers import snapshot_readers
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json, progress_bars
from receipt_ops.terminal.failures import explained
from receipt_sync.clock import SystemClock
from receipt_sync.deadline import Deadline

_PATIENCE_SECONDS = 300.0

Count = Annotated[int, typer.Option(help="Number of receipts.", min=1, max=10_000)]
Seed = Annotated[int, typer.Option(help="Seed of the receipts. The same seed gives the same ones.")]


@ends_in_a_sentence
def create_command(
    count: Count = 10, seed: Seed = 1, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Create synthetic receipts with their vectors, for experiments.

    `modify-test-receipts` finds the same receipts by the same count and seed, with --delete too. A
    second creation returns them to their first state. The command writes nothing if the published
    vectors have another dimension than 384. --dry-run does not call AWS.

    Example: receipt-sync create-test-receipts --count 10 --seed 7
    """
    planned = survey(synthetic_receipts(count, Random(seed)))
    if not dry_run:
        connection = connection_of_process()
        with explained(connection):
            check_reachable(connection)
            planned = load_with_progress(
                connection, lambda: synthetic_receipts(count, Random(seed)), planned
            )
    counts = {"receipts": planned.receipts, "items": planned.items, "vectors": planned.vectors}
    _show("created", counts, dry_run=dry_run, as_json=as_json)


@ends_in_a_sentence
def modify_command(
    count: Count = 10,
    seed: Seed = 1,
    changes: Annotated[int, typer.Option(help="Number of edits to make.", min=1)] = 50,
    only: Annotated[
        list[Kind] | None, typer.Option(help="Only edits of this kind. May be repeated.")
    ] = None,
    remove: Annotated[bool, typer.Option("--delete", help="Delete the receipts instead.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Edit test receipts at random: merchants, lines, words, noise marks, deletions.

    The command skips and counts an edit whose item an earlier edit has deleted. --delete deletes
    the items in portions, and waits until each portion has left the snapshot. It refuses more
    receipts than the compactor's delete guard allows within an hour.

    Example: receipt-sync modify-test-receipts --count 10 --seed 7 --changes 100

    Example: receipt-sync modify-test-receipts --count 10 --seed 7 --delete
    """
    receipts = synthetic_receipts(count, Random(seed))
    entities = [entity for receipt in receipts for entity in entities_of(receipt)]
    if remove:
        done = _delete(entities, dry_run=dry_run)
    else:
        weights = {kind: WEIGHTS[kind] for kind in only} if only else WEIGHTS
        made = list(islice(edits(entities, Random(), weights), changes))
        done = _planned(made) if dry_run else _edit(made)
    _show("modified", done, dry_run=dry_run, as_json=as_json)


def _delete(entities: list[Entity], *, dry_run: bool) -> dict[str, int]:
    """Delete the items that exist. Return the counts of those, and of the others."""
    connection = connection_of_process()
    deadline = Deadline(SystemClock(), _PATIENCE_SECONDS)
    with explained(connection):
        items = source_of(connection).get([entity.key for entity in entities], deadline)
        keys = [key for key, item in items.items() if item is not None]
        check_deletable(connection, keys, are_loaded=True)
    counts = {"items deleted": len(keys), "items gone": len(items) - len(keys)}
    if dry_run:
        return counts
    with (
        explained(connection),
        snapshot_readers(connection) as readers,
        progress_bars() as progress,
    ):
        bar = progress.add_task("items deleted", total=len(keys))
        watcher = Watcher(readers, SystemClock(), _PATIENCE_SECONDS)
        delete(writer_of(connection), watcher, keys, lambda n: progress.advance(bar, n))
    return counts


def _planned(made: list[Edit]) -> dict[str, int]:
    return dict(Counter(edit.kind.value for edit in made))


def _edit(made: list[Edit]) -> dict[str, int]:
    connection: Connection = connection_of_process()
    done: Counter[str] = Counter()
    with explained(connection), progress_bars() as progress:
        editor = TableEditor(connection.dynamodb, connection.names.table)
        for edit in progress.track(made, description="edits"):
            done[edit.kind.value if apply(editor, edit) else "items gone"] += 1
    return dict(done)


def _show(verb: str, counts: dict[str, int], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({**counts, "dry_run": dry_run})
        return
    table = Table(title=f"would be {verb}" if dry_run else verb, title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    for name, number in counts.items():
        table.add_row(name, f"{number:,}")
    output().print(table)
