"""The command line `python -m local up|deployed|down|status|env|invoke|forward`."""

import json
import os
import shlex
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from local import running
from local.deployed.up_and_down import up_deployed
from local.endings import ends_in_a_sentence
from local.endpoint import Request, endpoint_of
from local.invoke.engine import HOST, Engine, NoEngineError, forwarded
from local.invoke.run import invoke_all
from local.quick.names import Options
from local.screen import counted, print_status, step
from local.stack import Stack, load
from local.state import State
from local.status import status_of
from receipt_ops.terminal.console import output

app: Final = typer.Typer(
    help="The local AWS of this project: a MiniStack, or the AWS that AWS_ENDPOINT_URL names.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state", help="Folder of the process, its log and its stack.", show_default=".local"
    ),
]
_DEFAULTS: Final = Options()
NO_ENGINE: Final = 3


@app.command()
@ends_in_a_sentence("local")
def up(
    state: StateOption = None,
    port: Annotated[
        int | None, typer.Option(help="Port of MiniStack. Default: a free one.")
    ] = None,
    function_timeout: Annotated[
        int, typer.Option(help="Seconds that an invocation may take.", min=1, max=900)
    ] = _DEFAULTS.function_timeout,
    visibility: Annotated[
        int | None,
        typer.Option(
            help="Visibility timeout in seconds. Default: 6 × the functions' timeout.", min=1
        ),
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(help="Folder of the functions' packages.", show_default="src")
    ] = None,
    vendored: Annotated[
        bool | None,
        typer.Option(help="Pack the dependencies. Default: only if no MiniStack answers."),
    ] = None,
) -> None:
    """Start the local AWS, create its resources, deploy both functions. Run it again to redeploy.

    This is the quick way, for the demo and the tests. `deployed` uses Terraform and SAM, as on AWS.
    """
    options = Options(function_timeout=function_timeout)
    options = replace(options, visibility_timeout=visibility or options.visibility_rule)
    request = Request(
        options=options,
        endpoint=endpoint_of(os.environ),
        port=port,
        sources=sources,
        vendored=vendored,
    )
    _print_endpoint(running.up(State.at(state), request, step))


@app.command()
@ends_in_a_sentence("local")
def deployed(
    state: StateOption = None,
    port: Annotated[
        int | None, typer.Option(help="Port of MiniStack. Default: a free one.")
    ] = None,
) -> None:
    """Start the local AWS, apply terraform/, build and deploy template.yaml, as on AWS.

    It takes two to three minutes. Run it again to apply and deploy again.
    """
    request = Request(endpoint=endpoint_of(os.environ), port=port)
    _print_endpoint(up_deployed(State.at(state), request, step, counted))


def _print_endpoint(stack: Stack) -> None:
    console = output()
    console.print(f"The local AWS is up at [bold]{stack.endpoint}[/]", soft_wrap=True)
    how = f'eval "$({sys.executable} -m local env)"'
    console.print(f"Use it from a shell: {how}", soft_wrap=True)


@app.command()
@ends_in_a_sentence("local")
def down(state: StateOption = None) -> None:
    """Stop the local AWS, or delete the resources that `up` created elsewhere. Data is lost."""
    folder = State.at(state)
    if not folder.claimed:
        output().print(f"No local AWS runs from {folder.path}", soft_wrap=True)
        return
    ended = running.down(folder, step, counted)
    output().print(
        f"The local AWS is down; processes ended: {ended}, {folder.path} removed", soft_wrap=True
    )


@app.command()
@ends_in_a_sentence("local")
def status(
    state: StateOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show the endpoint, functions, mappings and queue depths."""
    found = status_of(State.at(state))
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=2))
    else:
        print_status(found)


@app.command()
@ends_in_a_sentence("local")
def invoke(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON instead of a summary.")
    ] = False,
) -> None:
    """Run events/*.json through `sam local invoke`, and check each response and its effect.

    Exit status 1 means that a check failed, and 3 that no Docker engine answers.
    """
    try:
        results = list(invoke_all(step))
    except NoEngineError as error:
        typer.echo(f"local: {error}", err=True)
        raise typer.Exit(NO_ENGINE) from error
    wrong = [result for result in results if result.fault is not None]
    for result in wrong:
        typer.echo(f"events/{result.event}.json: {result.fault}", err=True)
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results], indent=2))
    else:
        output().print(f"{len(results) - len(wrong)} of {len(results)} events passed")
    raise typer.Exit(1 if wrong else 0)


@app.command()
@ends_in_a_sentence("local")
def forward(state: StateOption = None) -> None:
    """Let containers reach the local AWS at host.docker.internal, until the command is interrupted.

    Use it on Linux, if you run `sam local invoke` manually. Start the local AWS with `up --port
    4566` to match events/env.json.
    """
    port = urlsplit(load(state).endpoint).port
    assert port is not None
    address = Engine().host_address()
    with forwarded(address, port), suppress(KeyboardInterrupt):
        output().print(
            f"Containers reach the local AWS at http://{HOST}:{port}; Ctrl+C ends this",
            soft_wrap=True,
        )
        threading.Event().wait()


@app.command()
@ends_in_a_sentence("local")
def env(state: StateOption = None) -> None:
    """Print export lines. With them, any AWS program finds the local AWS."""
    for name, value in load(state).variables.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m local")
