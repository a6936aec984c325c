"""python -m tests.reliability.outages: disturb services of the local AWS during writes."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.reliability.outages.proxied_system import QUICK, Service
from tests.reliability.outages.proxy import Shape
from tests.reliability.outages.trial import Result, run

SERVICES = {service.name.lower(): service for service in Service}
_LONGER_THAN_VISIBILITY = QUICK.visibility_timeout + 12.0
"""Seconds. It is also long enough for an alarm of two periods on messages that are 15 s old."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    service: Annotated[
        list[str] | None, typer.Option(help=f"Which to take away: {', '.join(SERVICES)}.")
    ] = None,
    shape: Annotated[list[Shape] | None, typer.Option(help="How it fails.")] = None,
    seconds: Annotated[
        float, typer.Option(min=1, help="How long at least; the visibility timeout is 24 s.")
    ] = _LONGER_THAN_VISIBILITY,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> None:
    """Make services unavailable, slow and flapping, one after another. The default is all of them.

    Exit status: 0 nothing was lost, the system recovered, and the alarms were right; 1 otherwise.

    Example: python -m tests.reliability.outages --service table --shape down --seconds 15
    """
    unknown = [name for name in service or () if name not in SERVICES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]}: give one of {', '.join(SERVICES)}")
    cases = [(SERVICES[name], how) for name in service or SERVICES for how in shape or Shape]
    results = _run(cases, seconds)
    _print(results, as_json=as_json)
    raise typer.Exit(0 if all(result.held for result in results) else 1)


def _run(cases: list[tuple[Service, Shape]], seconds: float) -> list[Result]:
    results = []
    columns = (*Progress.get_default_columns()[:3], TextColumn("{task.fields[now]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        task = progress.add_task("outages", total=len(cases), now="")
        for service, shape in cases:
            with tempfile.TemporaryDirectory(prefix="outage-") as folder:
                done = run(
                    service,
                    shape,
                    seconds,
                    Path(folder),
                    lambda now: progress.update(task, now=now),
                )
            results.append(done)
            progress.advance(task)
    return results


def _print(results: list[Result], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([result.to_json() for result in results]))
        return
    table = Table("service", "shape", "s", "writes", "faults", "lost", "caught up, s", "alarms")
    for one in results:
        seen = ", ".join(one.alarmed) + (f" (before: {', '.join(one.before)})" * bool(one.before))
        numbers = (f"{one.seconds:g}", str(one.writes), str(one.faults), str(one.lost))
        table.add_row(one.service, one.shape, *numbers, f"{one.caught_up}", seen)
    Console().print(table)


if __name__ == "__main__":
    app()
