"""The output of dead letters on a terminal."""

from collections.abc import Iterable
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from receipt_ops.dead_letters.explanation import Explanation, Outlook
from receipt_ops.dead_letters.queue import HOLD_SECONDS, DeadLetter
from receipt_ops.dead_letters.queues import Which
from receipt_ops.dead_letters.redriving import Redriven
from receipt_ops.screens.verdict import moment
from receipt_ops.terminal.console import output

_COLOURS: Final = {Outlook.TAKEN: "green", Outlook.REFUSED: "red"}


def print_redriven(done: Redriven, verb: str) -> None:
    """Print the number of moved dead letters, and each dead letter that stays."""
    console = output()
    console.print(f"{done.count} dead letters {verb}")
    for message_id, reason in done.kept.items():
        console.print(f"[yellow]stays[/yellow] {message_id}: {escape(reason)}", soft_wrap=True)
    print_unknown(done.unknown)
    print_unseen(done.unseen)


def print_unknown(ids: Iterable[str]) -> None:
    """Print the requested dead letters that were not found."""
    for message_id in ids:
        output().print(f"[red]not found[/red] {escape(message_id)}", soft_wrap=True)


def print_unseen(count: int) -> None:
    """Print the number of unread dead letters, if there are any."""
    if count:
        output().print(
            f"[yellow]about {count:,} dead letters were not read[/yellow]: another command holds "
            f"them for {HOLD_SECONDS} s at most, or they are too many for one run. Run it again",
            soft_wrap=True,
        )


def row_of(which: Which, dead_letter: DeadLetter) -> dict[str, Any]:
    """Return a dead letter as JSON, without its body, which may hold receipt text."""
    return {
        "queue": which.value,
        "message_id": dead_letter.message_id,
        "sent": dead_letter.sent.isoformat() if dead_letter.sent else None,
        "receives": dead_letter.receives,
        "reason": dead_letter.reason,
        "attributes": dict(dead_letter.attributes),
        "bytes": len(dead_letter.body.encode()),
    }


def print_dead_letters(rows: list[tuple[Which, DeadLetter]], unseen: int = 0) -> None:
    """Print a table with one row for each dead letter."""
    print_unseen(unseen)
    if not rows:
        if not unseen:
            output().print("no dead letters")
        return
    table = Table(title=f"{len(rows)} dead letters", title_justify="left")
    for name in ("queue", "message id", "sent", "received", "reason"):
        table.add_column(name, overflow="fold")
    for which, dead_letter in rows:
        reason = dead_letter.reason or "received too often"
        was = dead_letter.attributes.get("message_id")
        table.add_row(
            which,
            f"{dead_letter.message_id}\nwas {escape(was)}" if was else dead_letter.message_id,
            moment(dead_letter.sent),
            f"{dead_letter.receives} ×",
            escape(reason),
        )
    output().print(table)


def print_explanations(found: list[Explanation], unknown: list[str], unseen: int) -> None:
    """Print one paragraph for each dead letter: its cause, its entities, and what to do."""
    console = output()
    print_unknown(unknown)
    print_unseen(unseen)
    if not found and not unknown and not unseen:
        console.print("no dead letters")
    for one in found:
        colour = _COLOURS.get(one.outlook, "yellow")
        console.print(f"[bold]{one.message_id}[/bold]  {one.kind}, sent {moment(one.sent)}")
        console.print(f"  why: {escape(one.reason)}", soft_wrap=True)
        for key in one.keys[:3]:
            console.print(f"  about: {escape(key)}", soft_wrap=True)
        if len(one.keys) > 3:
            console.print(f"  and {len(one.keys) - 3:,} more")
        console.print(f"  redrive: it [{colour}]{one.outlook}[/{colour}]")
        console.print(f"  do: {escape(one.remedy)}", soft_wrap=True)
