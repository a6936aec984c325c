"""The commands `receipt-sync lock show | release`."""

from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.connection import Connection
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.wiring import locks_of
from receipt_ops.environment import connection_of_process
from receipt_ops.locks import HeldLock, held_locks, release
from receipt_ops.screens.verdict import moment
from receipt_ops.terminal.confirmation import Yes, confirm
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

lock = typer.Typer(no_args_is_help=True, help="Show the compactor's leases, or release one.")
LockId = Annotated[
    str | None,
    typer.Option(
        "--lock-id", help="Lock id without the collection's suffix. Default: the compactor's."
    ),
]


@lock.command("show")
@ends_in_a_sentence
def show_command(lock_id: LockId = None, as_json: AsJson = False) -> None:
    """Show the holder of each collection's lease, its end, and whether the holder is at work.

    An expired lease needs no action, because the next worker takes it.

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
    collection: Annotated[Collection, typer.Argument(help="The collection of the lease.")],
    force: Annotated[
        bool, typer.Option("--force", help="Release it even if its holder is at work.")
    ] = False,
    lock_id: LockId = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Release a lease whose holder is gone, so that the next worker need not wait for its end.

    The release has a condition on the owner, so a lease with a new owner stays. If the holder is at
    work after all, it wastes one cycle, but no update is lost.

    Exit code 0: released, or there was no lease. 1: the lease has a new owner. 2: the holder is at
    work.

    Example: receipt-sync lock release receipt_lines --dry-run
    """
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this releases the lease of {collection}", yes=yes)
    with explained(connection):
        held = {one.collection: one for one in _held(connection, lock_id)}.get(collection)
        released = held is not None and release(
            locks_of(connection, Deployment(connection)),
            held,
            SystemClock().now(),
            force=force,
            dry_run=dry_run,
        )
    if as_json:
        owner = held.owner if held else None
        print_json({"released": released and not dry_run, "owner": owner, "dry_run": dry_run})
    else:
        output().print(_sentence(held, released=released, dry_run=dry_run))
    if held is not None and not released:
        raise typer.Exit(ExitCode.VERDICT)


def _held(connection: Connection, lock_id: str | None) -> list[HeldLock]:
    deployment = Deployment(connection)
    return held_locks(locks_of(connection, deployment), lock_id or deployment.lock_id)


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
        return "the lease has a new owner by now, so the command released nothing"
    return f"{'would release' if dry_run else 'released'} {held.lock_id} of {escape(held.owner)}"
