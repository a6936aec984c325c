"""The command `receipt-sync stale`."""

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import Annotated

import typer
from rich.markup import escape

from receipt_ops.commands.options import AsJson
from receipt_ops.connection import Connection
from receipt_ops.environment import connection_of_process
from receipt_ops.readers import snapshot_readers
from receipt_ops.spool import Spool
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json, progress_bars
from receipt_ops.terminal.failures import explained
from receipt_ops.terminal.streamed import Streamed
from receipt_ops.verification.staleness import stale_ids
from receipt_sync.keys import Collection


@ends_in_a_sentence
def stale_command(
    limit: Annotated[
        int, typer.Option(help="Most ids to print of each collection.", min=0, max=10**9)
    ] = 20,
    as_json: AsJson = False,
) -> None:
    """Count the records whose text changed after their vector was made, and list their ids.

    Stale records are not faults. They hold the present text. A search finds them by the old
    text until the embedding pipeline sends a new vector. --json lists all of them for that
    pipeline.

    Example: receipt-sync stale

    Example: receipt-sync stale --json | jq -r '.collections.receipt_lines.ids[]'
    """
    connection = connection_of_process()
    with ExitStack() as stack:
        found = {collection: stack.enter_context(Spool()) for collection in Collection}
        with explained(connection):
            _find(connection, found)
        if as_json:
            parts = {c.value: {"count": len(s), "ids": Streamed(s)} for c, s in found.items()}
            print_json({"stale": sum(map(len, found.values())), "collections": parts})
            return
        console = output()
        for collection, ids in found.items():
            console.print(f"{collection}: {len(ids):,} stale")
            for chroma_id in islice(ids, limit):
                console.print(f"  {escape(chroma_id)}", soft_wrap=True)


def _find(connection: Connection, found: Mapping[Collection, Spool]) -> None:
    with snapshot_readers(connection) as readers, progress_bars() as progress:
        for collection, reader in readers.items():
            reader.refresh()
            count = reader.count() if reader.version else 0
            bar = progress.add_task(str(collection), total=count)
            for chroma_id in stale_ids(reader, partial(progress.advance, bar)) if count else ():
                found[collection].add(chroma_id)
