"""The commands `receipt-sync create-test-receipts` and `receipt-sync modify-test-receipts`."""

from collections import Counter
from itertools import islice
from random import Random
from typing import Annotated

import typer
from rich.table import Table

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.connection import check_reachable
from receipt_ops.environment import connection_of_process
from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.load import survey
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.loading.tasks import load_with_progress
from receipt_ops.probes.editing import WEIGHTS, Edit, Kind, edits
from receipt_ops.probes.tasks import delete_with_progress, edit_with_progress, existing_keys
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.failures import explained

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
    receipts than the compactor's delete guard allows within an hour. Without --delete, --dry-run
    does not call AWS.

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
    with explained(connection):
        keys = existing_keys(connection, entities)
        if not dry_run:
            delete_with_progress(connection, keys)
    return {"items deleted": len(keys), "items gone": len(entities) - len(keys)}


def _planned(made: list[Edit]) -> dict[str, int]:
    return dict(Counter(edit.kind.value for edit in made))


def _edit(made: list[Edit]) -> dict[str, int]:
    connection = connection_of_process()
    with explained(connection):
        return edit_with_progress(connection, made)


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
