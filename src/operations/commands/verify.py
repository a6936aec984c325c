"""`receipt-sync verify`."""

from collections.abc import Callable
from datetime import datetime
from random import SystemRandom
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from compactor.source import DynamoDBSource
from operations.connection import Connection
from operations.console import ends_in_a_sentence, notes, output, print_json, progress_bars
from operations.environment import connection_of_process
from operations.failures import explained
from operations.readers import Readers, snapshot_readers
from operations.settling import Settled, queue_backlog, settle
from operations.silence import Silence
from operations.verdict import Example, Finding, Verdict
from operations.verification import Advance, Verification
from receipt_sync.clock import SystemClock

DIFFERENCE_FOUND = 1


@ends_in_a_sentence
def verify_command(
    wait: Annotated[
        float, typer.Option(help="Seconds to give the backlog to settle first.", min=0)
    ] = 0,
    examples: Annotated[int, typer.Option(help="Examples to show of each kind.", min=0)] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Compare the table with the published snapshot: every record, every field.

    Exit code 0: no difference. 1: records are missing, unexpected or different. 2: it could not be
    told. An entity without a record is pending, which is no difference, until its embedding_status
    says SUCCESS. A stale record's vector was made from an earlier text.

    Example: receipt-sync verify --wait 120

    Example: receipt-sync verify --json | jq .different
    """
    connection = connection_of_process()
    with explained(connection), snapshot_readers(connection) as readers:
        if wait:
            verdict, settled = settle_with_progress(connection, readers, wait, examples)
        else:
            with progress_bars() as progress:
                bar = progress.add_task("entities compared", total=None)
                verdict = verify_once(
                    connection,
                    readers,
                    examples,
                    lambda count: progress.advance(bar, count),
                    lambda total: progress.update(bar, total=total),
                )
            settled = None
    if as_json:
        print_json({**verdict.to_json(), "settled": settled})
    else:
        _show(verdict)
    if not verdict.is_equal:
        raise typer.Exit(DIFFERENCE_FOUND)


def verify_once(
    connection: Connection,
    readers: Readers,
    examples: int,
    advance: Advance = lambda _: None,
    expect: Callable[[int], None] = lambda _: None,
) -> Verdict:
    """Verify what is published now. `expect` is told how many entities there may be."""
    for reader in readers.values():
        reader.refresh()
    expect(sum(reader.count() for reader in readers.values() if reader.version))
    clock = SystemClock()
    source = DynamoDBSource(connection.dynamodb, connection.names.table, SystemRandom(), Silence())
    return Verification(source, readers, clock, examples, advance).run()


def settle_with_progress(
    connection: Connection, readers: Readers, seconds: float, examples: int
) -> Settled:
    """Wait for the backlog, saying what is left of it, and verify."""
    queue_url = connection.names.compaction_queue_url
    with notes().status("settling") as status:
        return settle(
            lambda: verify_once(connection, readers, examples),
            lambda: queue_backlog(connection.sqs, queue_url),
            SystemClock(),
            seconds,
            lambda left, time: status.update(f"settling: {left}, {time:.0f} s left"),
        )


def _show(verdict: Verdict) -> None:
    console = output()
    console.print(verdict_table(verdict))
    for example in verdict.examples:
        console.print(_in_words(example), soft_wrap=True)
    if verdict.is_equal:
        console.print("[green]table and snapshot agree[/green]")
    else:
        console.print(f"[red]{verdict.faults:,} differences[/red]")


def verdict_table(verdict: Verdict) -> Table:
    """Counts, a column a collection."""
    table = Table(title=f"table against snapshot, {verdict.seconds:.1f} s", title_justify="left")
    table.add_column("")
    tallies = verdict.tallies.values()
    for collection in verdict.tallies:
        table.add_column(str(collection), justify="right")
    table.add_row("published", *(_moment(tally.published_at) for tally in tallies))
    table.add_row("version", *(f"{tally.version:,}" for tally in tallies))
    table.add_row("records", *(f"{tally.records:,}" for tally in tallies), end_section=True)
    for finding in Finding:
        table.add_row(finding.value, *(f"{tally.findings[finding]:,}" for tally in tallies))
    table.add_row("stale", *(f"{tally.stale:,}" for tally in tallies))
    return table


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "never"


def _in_words(example: Example) -> str:
    fields = ", ".join(
        f"{name} is {_shown(value.snapshot)}, should be {_shown(value.table)}"
        for name, value in example.fields.items()
    )
    colour = "yellow" if example.finding is Finding.PENDING else "red"
    head = f"[{colour}]{example.finding}[/{colour}] {escape(example.id)}"
    return f"{head}: {escape(fields)}" if fields else head


def _shown(value: Any) -> str:
    text = "absent" if value is None else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
