"""`python -m local up|down|status|env`."""

import json
import os
import shlex
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from local import running
from local.console import ends_in_a_sentence, output, print_status, step
from local.names import Options
from local.stack import load
from local.state import State
from local.status import status_of

app: Final = typer.Typer(
    help="The local AWS on which everything here runs: MiniStack, or what AWS_ENDPOINT_URL names.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="Folder for process, log and stack.", show_default=".local"),
]
_DEFAULTS: Final = Options()


@app.command()
@ends_in_a_sentence
def up(
    state: StateOption = None,
    port: Annotated[int | None, typer.Option(help="Port; a free one by default.")] = None,
    function_timeout: Annotated[
        int, typer.Option(help="Seconds an invocation may take.", min=1, max=900)
    ] = _DEFAULTS.function_timeout,
    visibility: Annotated[
        int | None,
        typer.Option(help="Visibility timeout in seconds; 6 × the function's by default.", min=1),
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(help="Folder of the functions' packages.", show_default="src")
    ] = None,
    vendored: Annotated[
        bool | None,
        typer.Option(help="Pack the dependencies; by default only where no MiniStack answers."),
    ] = None,
) -> None:
    """Start the local AWS, create what holds data, deploy both functions. Again: deploy anew."""
    options = Options(function_timeout=function_timeout)
    options = replace(options, visibility_timeout=visibility or options.visibility_rule)
    request = running.Request(
        options=options,
        endpoint=running.endpoint_of(os.environ),
        port=port,
        sources=sources,
        vendored=vendored,
    )
    stack = running.up(State.at(state), request, step)
    output().print(f"The local AWS is up at [bold]{stack.endpoint}[/]")
    output().print(f'Use it from a shell: eval "$({sys.executable} -m local env)"')


@app.command()
@ends_in_a_sentence
def down(state: StateOption = None) -> None:
    """Stop what `up` started, or delete what it created elsewhere. Data is lost."""
    folder = State.at(state)
    if not folder.claimed:
        output().print(f"Nothing runs from {folder.path}")
        return
    ended = running.down(folder, step)
    output().print(f"The local AWS is down; processes ended: {ended}, {folder.path} removed")


@app.command()
@ends_in_a_sentence
def status(
    state: StateOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of tables.")] = False,
) -> None:
    """Show endpoint, functions, mappings and queue depths."""
    found = status_of(State.at(state))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        print_status(found)


@app.command()
@ends_in_a_sentence
def env(state: StateOption = None) -> None:
    """Print export lines with which any AWS program finds the local AWS."""
    for name, value in load(state).variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m local")
