"""python -m tests.soak: load for a long time, or a backlog, with its figures."""

from typing import Annotated, Any

import typer
from rich.table import Table

from operations.console import notes, output, print_json, progress_bars
from tests.soak.footprint import GROWING
from tests.soak.runs import Outcome, drain, soak

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rate: Annotated[float, typer.Option(help="Changes a second.", min=0.1)] = 50,
    seconds: Annotated[float, typer.Option(help="For how long.", min=1)] = 60,
    backlog: Annotated[int, typer.Option(help="Instead: drain so many messages.", min=0)] = 0,
    receipts: Annotated[int, typer.Option(help="To be changed.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="Of receipts and changes.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Load a private local AWS and watch what it takes up; then verify.

    Exit status: 0 settled, without a difference and without growth; 1 otherwise.

    Example: python -m tests.soak --rate 300 --seconds 600

    Example: python -m tests.soak --backlog 20000
    """
    with progress_bars() as progress:
        bars: dict[str, Any] = {}

        def tell(stage: str, done: float, total: float, word: str) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage)
            progress.update(bars[stage], completed=done, total=total, description=f"{stage} {word}")

        if backlog:
            outcome = drain(backlog, receipts, seed, tell)
        else:
            outcome = soak(rate, seconds, receipts, seed, tell)
    if as_json:
        print_json(outcome.to_json())
    else:
        _show(outcome)
    raise typer.Exit(bool(outcome.faults or outcome.lost))


def _show(outcome: Outcome) -> None:
    table = Table(title=outcome.facts["what"], title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("is", justify="right")
    for name, value in outcome.facts.items():
        if isinstance(value, int | float):
            table.add_row(name.replace("_", " "), f"{value:,}")
    table.add_row("differences", str(outcome.lost))
    output().print(table)
    output().print(f"growth: the last quarter over the second, of {', '.join(GROWING)}")
    for fault in outcome.faults:
        notes().print(f"[red]{fault}")


if __name__ == "__main__":
    app()
