"""The command `receipt-sync status`."""

from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from receipt_ops.commands.options import MOST_SECONDS, AsJson
from receipt_ops.deployment.status import WINDOW, Status
from receipt_ops.deployment.status_tasks import collect_status, openings_of
from receipt_ops.environment import connection_of_process
from receipt_ops.screens.verdict import moment
from receipt_ops.snapshots.manifests import Damaged, Published
from receipt_ops.terminal.console import ends_in_a_sentence, output, print_json
from receipt_ops.terminal.exit_codes import ExitCode
from receipt_ops.terminal.failures import explained
from receipt_ops.terminal.standard_streams import report
from receipt_ops.terminal.streamed import line_of
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

_LEFT = ("collection", "published", "opened")


@ends_in_a_sentence
def status_command(
    watch: Annotated[
        float | None,
        typer.Option(
            help="Repeat it after this many seconds, until Ctrl-C.", min=0.2, max=MOST_SECONDS
        ),
    ] = None,
    open_all: Annotated[
        bool, typer.Option("--open", help="Also open large snapshots, which fetches them whole.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the state of the system on one screen, and the parts that need attention.

    Freshness and errors cover the last 15 minutes. The command opens each version of up to 256 MiB
    as a reader does. The numbers of differences, and of items without a vector, come from the last
    `verify` of the whole table. A search cannot find items without a vector. With --watch and
    --json, each look prints one line.

    A warning says that table and index were never compared as a whole, as after a deployment, or
    not for a week. It is not a fault.

    Exit code 0: nothing needs attention, except for a warning. 1: something does; the last lines
    say what. 2: a failure, also of this machine, such as a full disk.

    Example: receipt-sync status

    Example: receipt-sync status --watch 5
    """
    connection = connection_of_process()
    clock, openings = SystemClock(), openings_of(connection, all_sizes=open_all)
    with explained(connection):
        if watch is None:
            found = collect_status(connection, clock, openings)
        elif as_json:
            while True:
                typer.echo(line_of(collect_status(connection, clock, openings).to_json()))
                clock.sleep(watch)
        else:
            with Live(console=output(), auto_refresh=False, screen=True) as live:
                while True:
                    live.update(
                        screen_of(collect_status(connection, clock, openings)), refresh=True
                    )
                    clock.sleep(watch)
    if as_json:
        print_json(found.to_json())
    else:
        output().print(screen_of(found))
    if found.machine_fault is not None:  # It leaves a part unjudged, so there is no verdict.
        report(found.machine_fault)
        raise typer.Exit(ExitCode.FAILURE)
    if found.attention:
        raise typer.Exit(ExitCode.VERDICT)


def screen_of(status: Status) -> RenderableType:
    """Return the output of a status."""
    return Group(_facts(status), _snapshots(status), _attention(status))


def _facts(status: Status) -> Table:
    table = Table(title=f"{moment(status.at)}", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("is")
    table.add_row("freshness", _freshness(status))
    table.add_row("backlog", _backlog(status))
    for one in status.errors:
        when = f"{one.count:,} errors, the last at {one.last_at:%H:%M:%S}"
        table.add_row(f"errors, {one.function}", escape(f"{when}: {one.last}"))
    for name, count in status.dead_letters.items():
        table.add_row(f"dead letters, {name}", f"{count:,}")
    for lock in status.locks or ():
        state = "over" if lock.is_over(status.at) else f"until {moment(lock.expires)}"
        table.add_row(f"lease, {lock.collection}", escape(f"{lock.owner}, {state}"))
    switches = status.switches.to_json().items()
    table.add_row("switched on", ", ".join(name for name, on in switches if on))
    for mapping in status.mappings:
        table.add_row(f"mapping, {mapping.name}", escape(f"{mapping.state}, {mapping.uuid}"))
    table.add_row("last full comparison", _comparison(status))
    return table


def _backlog(status: Status) -> str:
    age = status.oldest_seconds
    oldest = "" if age is None else f", the oldest for {age:.0f} s"
    return f"{status.backlog}{oldest}"


def _comparison(status: Status) -> str:
    last = status.comparison
    if "comparison" in status.unknown:
        return "unknown"
    if last is None:
        return "never: `receipt-sync verify`"
    return (
        f"{moment(last.at)}: {last.faults:,} differences, {last.equal:,} equal; {last.pending:,} "
        "items have no vector, so no search finds them"
    )


def _freshness(status: Status) -> str:
    found = status.freshness
    if "freshness" in status.unknown:
        return "unknown"
    if found is None:
        return f"nothing published in the last {WINDOW.total_seconds() / 60:.0f} minutes"
    return (
        f"median {found.p50:.2f} s, 95 % {found.p95:.2f} s, longest {found.longest:.2f} s, "
        f"of {found.count:,} changes"
    )


def _snapshots(status: Status) -> Table:
    table = Table(title="snapshots", title_justify="left")
    for name in (
        "collection",
        "version",
        "published",
        "records",
        "elements",
        "MiB",
        "packs",
        "opened",
    ):
        table.add_column(name, justify="left" if name in _LEFT else "right")
    for collection, version in status.versions.items():
        if version is None:
            table.add_row(collection, "none")
            continue
        if isinstance(version, Damaged):
            table.add_row(collection, "[red]damaged[/red]")
            continue
        table.add_row(
            collection,
            f"{version.version:,}",
            moment(version.published_at),
            f"{version.records:,}",
            _elements(version),
            f"{version.size / 2**20:,.1f}",
            str(version.packs),
            _opened(status, collection),
        )
    return table


def _elements(version: Published) -> str:
    """Return the elements for each record, and whether a rebuild is due."""
    share = version.elements_a_record
    if share is None:
        return ""
    return f"{share:.2f} a record" + (", rebuild due" if version.rebuild_due else "")


def _opened(status: Status, collection: Collection) -> str:
    if "openings" in status.unknown:
        return "unknown"
    if collection not in status.openings:
        return "not tried: --open"
    return "[red]no[/red]" if status.openings[collection] else "yes"


def _attention(status: Status) -> Text:
    lines = [
        *(Text(sentence, style="red") for sentence in status.attention),
        *(Text(sentence, style="yellow") for sentence in status.warnings),
    ]
    if not status.attention:
        what = "nothing else" if status.warnings else "nothing"
        lines.append(Text(f"{what} needs attention", style="green"))
    return Text("\n").join(lines)
