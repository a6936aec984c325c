"""Run all parts of the proof, or some, and write docs/reliability.md."""

from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table

from tests.reliability.report.document import stale, write
from tests.reliability.report.parts.all_parts import LONG, PARTS
from tests.reliability.report.results import Result, save, saved
from tests.reliability.report.running import in_stages, result_of

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Of {', '.join(PARTS)}, which are the default, and {', '.join(LONG)}."
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="A few minutes instead of forty.")] = False,
    go_on: Annotated[
        bool,
        typer.Option(
            "--go-on", help="Run only the parts without a result of this code in build/prove/."
        ),
    ] = False,
    page: Annotated[
        bool,
        typer.Option("--page", help="Run nothing. Write the document from the stored results."),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Run nothing. List the parts of the document that are out of date."
        ),
    ] = False,
) -> None:
    """Run the campaigns that try to break the system, and write what they found.

    The results are stored by part under build/prove/, with the digest of the tested code. The
    document takes only results of the present code.
    Exit status: 0 nothing was lost. 1 something was lost. 2 a part could not be run. 3 with
    --check: the document lacks results of the present code.

    Example: python -m tests.reliability.report outages soak
    """
    unknown = [name for name in parts or () if name not in PARTS | LONG]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}: give some of {', '.join(PARTS | LONG)}")
    if check:
        _check(parts or list(PARTS))
        return
    wanted = [] if page else [n for n in parts or PARTS if not (go_on and _fresh(n))]
    failures = _prove(wanted, quick)
    results = {name: found for name in PARTS | LONG if (found := _fresh(name))}
    missing = write(results, PARTS | LONG)
    _show(results)
    if missing:
        typer.echo(f"prove: no figures of the present code for {', '.join(missing)}", err=True)
    for sentence in failures:
        typer.echo(f"prove: {sentence}", err=True)
    if failures:
        raise typer.Exit(2)
    raise typer.Exit(1 if any(result.lost or result.broken for result in results.values()) else 0)


def _check(names: list[str]) -> None:
    old = stale({name: (PARTS | LONG)[name] for name in names})
    for name in old:
        typer.echo(f"{name}: run `make prove PARTS={name}` on the present code", err=True)
    if old:
        raise typer.Exit(3)


def _fresh(name: str) -> Result | None:
    """Return the last result of a part, or None if it belongs to other code."""
    found = saved(name)
    return found if found and found.code == (PARTS | LONG)[name].code else None


def _prove(wanted: list[str], quick: bool) -> list[str]:
    """Run the parts. Return a sentence for each part that could not be run."""
    failures: list[str] = []
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(wanted))
        for stage in in_stages([(PARTS | LONG)[name] for name in wanted]):
            progress.update(bar, description=", ".join(part.name for part in stage))
            for part, found in result_of(stage, quick=quick):
                if isinstance(found, Result):
                    save(found)
                else:
                    failures.append(f"{part.name}: {found}")
                progress.advance(bar)
    return failures


def _show(results: dict[str, Result]) -> None:
    table = Table("part", "tries", "faults injected", "lost", "broken", "seconds", "when", "code")
    for name, result in results.items():
        tries, faults = (sum(getattr(row, n) for row in result.rows) for n in ("tries", "faults"))
        wrong = (f"{result.lost:,}", f"{result.broken:,}")
        numbers = (f"{tries:,}", f"{faults:,}", *wrong, f"{result.seconds:g}")
        table.add_row(name, *numbers, result.date, result.code)
    Console().print(table)


if __name__ == "__main__":
    app()
