"""`receipt-sync lock show | release`."""

from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from operations.commands.options import AsJson, DryRun
from operations.commands.verdict_screen import moment
from operations.confirmation import Yes, confirm
from operations.connection import Connection
from operations.console import ends_in_a_sentence, output, print_json
from operations.deployment.discovery import Deployment
from operations.environment import connection_of_process
from operations.exit_codes import ExitCode
from operations.failures import explained
from operations.locks import DynamoDBLocks, HeldLock, held_locks, release
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

lock = typer.Typer(no_args_is_help=True, help="Look at the compactor's leases, or end one.")
LockId = Annotated[
    str | None,
    typer.Option("--lock-id", help="Before the collection's suffix; the compactor's by default."),
]


@lock.command("show")
@ends_in_a_sentence
def show_command(lock_id: LockId = None, as_json: AsJson = False) -> None:
    """Show who holds the lease of each collection, until when, and whether that worker lives.

    A lease that is over needs no hand: the next worker takes it.

    Example: receipt-sync lock show
    """
    connection = connection_of_process()
    with explained(connection):
        found = _held(connection, lock_id)
    now = SystemClock().now()
    if as_json:
        print_json({"locks": [held.to_json(now) for held in found]})
    else:
        _print(found, now)


@lock.command("release")
@ends_in_a_sentence
def release_command(
    collection: Annotated[Collection, typer.Argument(help="Whose lease.")],
    force: Annotated[
        bool, typer.Option("--force", help="Even where its holder has beaten just now.")
    ] = False,
    lock_id: LockId = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """End a lease whose holder is gone, so that the next worker need not wait for its end.

    Conditional on the owner: a lease that changed hands meanwhile stays. Should the holder live
    after all, it costs a wasted cycle and nothing else.

    Exit code 0: released, or there was none. 1: it changed hands. 2: its holder is at work.

    Example: receipt-sync lock release receipt_lines --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this ends the lease of {collection}, whoever holds it", yes=yes)
    with explained(connection):
        held = {one.collection: one for one in _held(connection, lock_id)}.get(collection)
        released = held is not None and release(
            _locks(connection), held, SystemClock().now(), force=force, dry_run=dry_run
        )
    if as_json:
        owner = held.owner if held else None
        print_json({"released": released and not dry_run, "owner": owner, "dry_run": dry_run})
    else:
        output().print(_sentence(held, released=released, dry_run=dry_run))
    if held is not None and not released:
        raise typer.Exit(ExitCode.VERDICT)


def _held(connection: Connection, lock_id: str | None) -> list[HeldLock]:
    return held_locks(_locks(connection), lock_id or Deployment(connection).lock_id)


def _locks(connection: Connection) -> DynamoDBLocks:
    every = Deployment(connection).heartbeat
    return DynamoDBLocks(connection.dynamodb, connection.names.table, every)


def _print(found: list[HeldLock], now: datetime) -> None:
    if not found:
        output().print("no lease is held")
        return
    table = Table(title="leases", title_justify="left")
    for name in ("collection", "owner", "expires", "last heartbeat", "holder"):
        table.add_column(name)
    for one in found:
        holder = "over" if one.is_over(now) else "at work" if one.is_alive(now) else "silent"
        table.add_row(
            one.collection, escape(one.owner), moment(one.expires), moment(one.heartbeat), holder
        )
    output().print(table)


def _sentence(held: HeldLock | None, *, released: bool, dry_run: bool) -> str:
    if held is None:
        return "there is no such lease"
    if not released:
        return "it changed hands meanwhile: nothing was released"
    return f"{'would release' if dry_run else 'released'} {held.lock_id} of {escape(held.owner)}"
