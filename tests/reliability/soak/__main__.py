"""Load a local AWS for a long time, or with a long queue: python -m tests.reliability.soak."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from receipt_ops.terminal.console import progress_bars
from tests.reliability.soak.queueing import OnProgress
from tests.reliability.soak.trial import Result, backlog, steady

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rate: Annotated[float, typer.Option(min=1, help="Changes a second.")] = 50,
    seconds: Annotated[float, typer.Option(min=1, help="For how long.")] = 60,
    backlog: Annotated[
        int, typer.Option(min=0, help="Instead: drain so many messages that wait already.")
    ] = 0,
    receipts: Annotated[int, typer.Option(min=1, help="In the table before it begins.")] = 40,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Watch memory, disk and backlog under load, and compare every record afterwards.

    Memory and disk are judged in a run of two minutes or more.

    Exit status: 0 nothing lost, memory and disk bounded, the backlog gone; 1 otherwise.

    Example: python -m tests.reliability.soak --rate 300 --seconds 600

    Example: python -m tests.reliability.soak --backlog 20000
    """
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, progress_bars() as progress:
        bar = progress.add_task("")

        def on_progress(now: str, done: int, total: int) -> None:
            progress.update(bar, description=now, completed=done, total=total or None)

        result = _run(Path(folder), rate, seconds, backlog, receipts, on_progress)
    _print(result, as_json=as_json)
    raise typer.Exit(0 if result.held else 1)


def _run(
    folder: Path, rate: float, seconds: float, messages: int, receipts: int, on_progress: OnProgress
) -> Result:
    if messages:
        return backlog(folder, messages, receipts, on_progress)
    return steady(folder, rate, seconds, receipts, on_progress)


def _print(result: Result, *, as_json: bool) -> None:
    content = result.to_json()
    if as_json:
        print(json.dumps(content))
        return
    table = Table("what", "value", title=content.pop("what"))
    for name, sample in content.pop("samples").items():
        quarters = " → ".join(f"{value / 2**20:.0f}" for value in sample["quarters"])
        content[f"{name}, MiB by quarter"] = quarters
    for name, value in content.items():
        table.add_row(name.replace("_", " "), str(value))
    Console().print(table)


if __name__ == "__main__":
    app()
