"""The command `receipt-sync compare`."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from receipt_ops.commands.options import AsJson
from receipt_ops.environment import connection_of_process
from receipt_ops.errors import EmptySelectionError
from receipt_ops.screens.verdict import moment
from receipt_ops.terminal.console import ends_in_a_sentence, notes, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_ops.verification.entity import EntityView
from receipt_ops.verification.entity_tasks import read_messages, view_of
from receipt_ops.verification.verdict import FAULTS
from receipt_sync.errors import MalformedKeyError
from receipt_sync.keys import EntityKey, parse_chroma_id


@ends_in_a_sentence
def compare_command(
    entity: Annotated[
        str, typer.Argument(help="Id of a line or word: IMAGE#…#RECEIPT#…#LINE#…, or PK/SK.")
    ],
    peek: Annotated[
        bool,
        typer.Option("--peek", help="Also read up to 100 messages of the compaction queue."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a line or word side by side: its item, its Chroma record, and messages about it.

    The command always reads the dead-letter queues. With --peek it also reads up to 100 messages of
    the compaction queue, each once. It cannot read messages in flight, and prints the number of
    unread ones.

    Exit code 0: the record is correct. 1: it differs, is missing or unexpected. 2: neither the
    table nor the snapshot holds this entity.

    Example: receipt-sync compare 'IMAGE#5c2a7a4e#RECEIPT#00001#LINE#00003'
    """
    key = _key(entity)
    connection = connection_of_process()
    with explained(connection), notes().status("reading table, snapshot and queues"):
        read = read_messages(connection, peek_too=peek)
        found = view_of(connection, key, read)
    if found.finding is None and not found.messages:
        raise EmptySelectionError(
            f"there is no {key.chroma_id}, neither in the table nor in the snapshot nor in a "
            "message: check the id"
        )
    if as_json:
        print_json({**found.to_json(), "unseen": read.unseen})
    else:
        _show(found)
        for queue, count in read.unseen.items():
            output().print(f"[yellow]about {count:,} messages of the {queue} were not read")
    if found.finding in FAULTS:
        raise typer.Exit(ExitCode.VERDICT)


def _key(text: str) -> EntityKey:
    try:
        return parse_chroma_id(text.replace("/RECEIPT#", "#RECEIPT#"))
    except MalformedKeyError as error:
        raise typer.BadParameter(f"{error}. For a whole receipt, use `verify --receipt`") from error


def _show(found: EntityView) -> None:
    console = output()
    title = f"{escape(found.key.chroma_id)}, snapshot version {found.version}"
    table = Table(title=title, title_justify="left")
    for name in ("field", "table", "snapshot"):
        table.add_column(name, overflow="fold")
    item, record = found.item or {}, found.record or {}
    for name in sorted({*item, *record} - {"PK", "SK"}):
        style = "red" if name in found.fields else ""
        table.add_row(name, _shown(item.get(name)), _shown(record.get(name)), style=style)
    console.print(table)
    for name, difference in found.fields.items():
        console.print(
            f"[red]{name}[/red] is {_shown(difference.snapshot)}, should be "
            f"{_shown(difference.table)}",
            soft_wrap=True,
        )
    for message in found.messages:
        reason = escape(message.reason or "")
        console.print(
            f"in {message.queue} since {moment(message.sent)}: {message.message_id} {reason}"
        )
    console.print(f"finding: {found.finding or 'neither in the table nor in the snapshot'}")


def _shown(value: Any) -> str:
    return "[dim]absent[/dim]" if value is None else escape(repr(value))
