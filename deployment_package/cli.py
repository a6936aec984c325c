"""The command line `python -m deployment_package build|size`."""

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from deployment_package import building
from deployment_package.errors import PackageError, TooLargeError
from deployment_package.sizes import LIMITS, MB, MIB, Size, measure
from deployment_package.targets import target_of
from receipt_sync.errors import SyncError

BUILT: Final = building.PROJECT / ".aws-sam" / "build"
_FAILED: Final = 2
_TOO_LARGE: Final = 1

app: Final = typer.Typer(
    help="The functions' deployment packages.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def build(
    function: Annotated[str, typer.Argument(help="stream_processor or compactor.")],
    folder: Annotated[Path, typer.Argument(help="Where the package goes.", file_okay=False)],
) -> None:
    """Build one package for Lambda. PACKAGE_FOR=here builds it for this interpreter instead.

    Example: python -m deployment_package build compactor build/compactor
    """
    target = target_of(os.environ)
    done = building.build(function, folder, target)
    typer.echo(f"{function}, for Python {target.python}; {_byte_code(done)}")


@app.command()
def size(
    built: Annotated[
        Path, typer.Argument(help="The build folder of `sam build`.", file_okay=False)
    ] = BUILT,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of a table.")] = False,
) -> None:
    """Show the size of both packages. Exit status 1 means that one exceeds its limit.

    Example: python -m deployment_package size .aws-sam/build
    """
    with Console(stderr=True).status("zipping both packages as `sam deploy` will"):
        sizes = [measure(built, function) for function in LIMITS]
    if as_json:
        typer.echo(json.dumps([{**asdict(one), "fits": one.fits} for one in sizes], indent=2))
    else:
        Console(highlight=False).print(_table(sizes))
    over = [one.function for one in sizes if not one.fits]
    if over:
        raise TooLargeError(
            f"{' and '.join(over)}: larger than the limit. Remove a dependency, or files from one"
        )


def _byte_code(built: building.Built) -> str:
    if built.compiler is not None:
        return f"byte-code by {built.compiler}"
    return (
        f"no byte-code, because Python {built.target.python} was not found: cold starts take longer"
    )


def main() -> None:
    """Run the command line. Report a known error in one sentence."""
    try:
        app(prog_name="python -m deployment_package")
    except (PackageError, TooLargeError) as error:
        raise _exit(error) from error


def _exit(error: SyncError) -> SystemExit:
    typer.echo(f"deployment_package: {error}", err=True)
    return SystemExit(_TOO_LARGE if isinstance(error, TooLargeError) else _FAILED)


def _table(sizes: Iterable[Size]) -> Table:
    table = Table("function", "MiB", "limit", "zip MB", "limit", "")
    for one in sizes:
        zip_limit = "–" if one.limit.zipped is None else f"{one.limit.zipped / MB:.0f}"
        table.add_row(
            one.function,
            f"{one.unzipped / MIB:.1f}",
            f"{one.limit.unzipped / MIB:.0f}",
            f"{one.zipped / MB:.1f}",
            zip_limit,
            "fits" if one.fits else "too large",
        )
    return table
