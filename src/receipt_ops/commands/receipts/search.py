"""The command `receipt-sync search`."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from receipt_index.reader import Reader
from receipt_ops.environment import connection_of_process
from receipt_ops.errors import OtherDimensionError
from receipt_ops.loading.dimensions import dimension_of
from receipt_ops.loading.embedding import DIMENSION, embed
from receipt_ops.readers import snapshot_readers
from receipt_ops.searching import Hit, search
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.failures import explained
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection


@ends_in_a_sentence
def search_command(
    text: Annotated[str, typer.Argument(help="The text to look for.")],
    merchant: Annotated[
        str | None, typer.Option(help="Only receipts of this merchant, by its exact name.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Number of hits to show.", min=1, max=1000)] = 10,
    words: Annotated[bool, typer.Option("--words", help="Search words, not lines.")] = False,
    collection: Annotated[
        Collection, typer.Option(help="The collection to search, unless --words names it.")
    ] = Collection.LINES,
    as_json: Annotated[bool, typer.Option("--json", help="Print the hits as JSON.")] = False,
) -> None:
    """Find the nearest lines, or words, in the published snapshot.

    The distance comes from the stand-in embedding, which compares spelling and not meaning. The
    vector of a hit marked stale was made from an earlier text.

    Example: receipt-sync search "total 9.00" --limit 5

    Example: receipt-sync search coffee --merchant "Corner Cafe" --words
    """
    collection = Collection.WORDS if words else collection
    connection = connection_of_process()
    with explained(connection), snapshot_readers(connection, [collection]) as readers:
        with notes().status("fetching the snapshot"):
            readers[collection].refresh()
        version = readers[collection].version
        hits = _search(readers[collection], text, limit, merchant)
    if as_json:
        found = [hit.to_json() for hit in hits]
        print_json({"collection": collection.value, "version": version, "hits": found})
    else:
        output().print(hits_table(hits, f"{collection}, version {version}"))


def _search(reader: Reader, text: str, limit: int, merchant: str | None) -> Sequence[Hit]:
    try:
        return search(reader, embed, text, limit, merchant)
    except IndexFailedError as error:
        dimension = dimension_of(reader)
        if dimension in (None, DIMENSION):
            raise
        raise OtherDimensionError(
            f"the collection's vectors have {dimension} dimensions, but the stand-in embedding "
            f"makes vectors of {DIMENSION}: search with the collection's own model"
        ) from error


def hits_table(hits: Sequence[Hit], title: str) -> Table:
    """Return a table of hits, nearest first."""
    table = Table(title=title, title_justify="left")
    table.add_column("distance", justify="right")
    table.add_column("text")
    table.add_column("merchant")
    table.add_column("receipt", overflow="fold")
    table.add_column("line", justify="right")
    table.add_column("vector")
    for hit in hits:
        _, _, *places = hit.key.ids.values()
        table.add_row(
            f"{hit.distance:.3f}",
            escape(hit.text or ""),
            escape(hit.merchant or ""),
            f"{escape(hit.key.image_id)} / {hit.key.receipt_id}",
            ".".join(map(str, places)),
            "[yellow]stale[/yellow]" if hit.stale else "fresh",
        )
    return table
