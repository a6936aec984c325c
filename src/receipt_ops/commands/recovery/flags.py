"""The commands `receipt-sync flags show | set`."""

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer
from rich.table import Table

from receipt_ops.commands.options import AsJson, DryRun
from receipt_ops.deployment.discovery import Deployment
from receipt_ops.deployment.flags import check_settable, set_switches, switches_of
from receipt_ops.deployment.switches import Switches
from receipt_ops.environment import connection_of_process
from receipt_ops.terminal.confirmation import Yes, confirm
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_sync.keys import EntityType

flags = typer.Typer(no_args_is_help=True, help="Switch parts of the synchronisation on and off.")
_STATES = {True: "[green]on[/green]", False: "[red]off[/red]", None: "[yellow]unknown[/yellow]"}
_SOURCES = ("stream", "queue")
_CHANGED = {
    one.kind: "merchants" if one is EntityType.METADATA else f"{one.kind}s" for one in EntityType
}
_MEANING = {
    **{kind: f"the stream processor queues changes of {what}" for kind, what in _CHANGED.items()},
    "stream": "the stream invokes the stream processor",
    "queue": "the queue invokes the compactor",
}


@flags.command("show")
@ends_in_a_sentence
def show_command(as_json: AsJson = False) -> None:
    """Show the stream processor's feature flags, and whether stream and queue invoke the functions.

    A source is on if all its event source mappings are on. `status` shows each mapping.

    Exit code 0: all switches are known. 1: kms:Decrypt is missing to read the function's variables,
    or a source has mappings that are on and others that are off.

    Example: receipt-sync flags show
    """
    connection = connection_of_process()
    with explained(connection):
        found = switches_of(Deployment(connection))
    _show(found, [], dry_run=False, as_json=as_json)
    if None in found.to_json().values():
        raise typer.Exit(ExitCode.VERDICT)


def _with_an_option_for_each_flag(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for each entity type, before its own options.

    Typer reads the options from the signature and from the annotations.
    """
    *own, _ = inspect.signature(command).parameters.values()
    options = [
        inspect.Parameter(
            kind,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=None,
            annotation=Annotated[bool | None, typer.Option(help=f"Queue changes of {what}.")],
        )
        for kind, what in _CHANGED.items()
    ]
    signed: Any = command
    signed.__signature__ = inspect.Signature([*options, *own], return_annotation=None)
    signed.__annotations__ |= {option.name: option.annotation for option in options}
    return command


@flags.command("set")
@ends_in_a_sentence
@_with_an_option_for_each_flag
def set_command(
    stream: Annotated[
        bool | None, typer.Option(help="Let the stream invoke the stream processor.")
    ] = None,
    queue: Annotated[bool | None, typer.Option(help="Let the queue invoke the compactor.")] = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
    **kinds: bool | None,
) -> None:
    """Switch feature flags and event source mappings, all mappings of a source together.

    A disabled mapping keeps its position. It loses no change while its source keeps the change: 24
    hours in the stream, four days in the queue. The stream processor skips a change whose flag is
    off, and never queues it later. So run `verify` and `repair` afterwards. The next `sam deploy`
    sets the flags and mappings to its parameters.

    Example: receipt-sync flags set --no-queue

    Example: receipt-sync flags set --word --dry-run
    """
    wanted = {**kinds, "stream": stream, "queue": queue}
    if all(on is None for on in wanted.values()):
        raise typer.BadParameter("the call names no switch: give at least one, such as --no-word")
    connection = connection_of_process()
    if not dry_run:
        confirm(f"this switches {_named(wanted)} in the deployed system", yes=yes)
    with explained(connection):
        deployment = Deployment(connection)
        before = switches_of(deployment)
        after = before.changed(wanted)
        changed = after.differing(before)
        check_settable(deployment, changed)
        if not dry_run:
            set_switches(connection.lambda_, deployment, before, after)
    _show(after, changed, dry_run=dry_run, as_json=as_json)


def _named(wanted: Mapping[str, bool | None]) -> str:
    switched = {name: on for name, on in wanted.items() if on is not None}
    return ", ".join(f"{name} {'on' if on else 'off'}" for name, on in switched.items())


def _show(found: Switches, changed: list[str], *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json({**found.to_json(), "changed": changed, "dry_run": dry_run})
        return
    table = Table(title="would be" if dry_run else None, title_justify="left")
    for name in ("switch", "state", "on means"):
        table.add_column(name)
    for name, on in found.to_json().items():
        in_part = on is None and name in _SOURCES
        state = "[yellow]in part[/yellow]" if in_part else _STATES[on]
        table.add_row(name, f"{state}{' (changed)' if name in changed else ''}", _MEANING[name])
    output().print(table)
