"""Change the product, and see whether a test notices: python -m tests.reliability.mutation."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from tests.reliability.mutation import campaign, copies, reach, results
from tests.reliability.mutation.equivalent import kept
from tests.reliability.mutation.mutant import PACKAGES, Mutant, sample
from tests.reliability.mutation.trial import DEAD, Outcome, Tried, check_copy, tried

_MINUTE: Final = 60

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    paths: Annotated[
        list[str] | None, typer.Argument(help=f"Files or folders instead of {', '.join(PACKAGES)}.")
    ] = None,
    *,
    mutants: Annotated[int, typer.Option(help="The size of the sample.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed, another sample.")] = 1,
    minutes: Annotated[float, typer.Option(help="No trial begins after this time.")] = 90,
    processes: Annotated[
        int, typer.Option(help="How many mutants are tried at the same time.")
    ] = 2,
    budget: Annotated[
        float, typer.Option(help="Seconds of tests for a mutant. The slowest are left out beyond.")
    ] = 100,
    least: Annotated[float, typer.Option(help="The lowest score that passes, in per cent.")] = 0,
    survivors: Annotated[
        bool, typer.Option("--survivors", help="Try only what survived the last run.")
    ] = False,
    page: Annotated[
        bool, typer.Option("--page", help="Run nothing. Take old figures out of the document.")
    ] = False,
) -> None:
    """Try a sample of mutants, and write the score and the survivors into docs/reliability.md.

    build/mutation/ holds the result, the survivors with their changes, and the measured tests. Only
    a run over all packages, during which the code stayed the same, is written into the document.
    Exit status: 0 the score is at least --least. 1 it is not. 3 with --page: the document has no
    figures of the present code.

    Example: python -m tests.reliability.mutation --mutants 20 --seed 2 src/compactor/locking
    """
    if page:
        raise typer.Exit(0 if results.refresh() else 3)
    begun, code = time.monotonic(), results.present_code()
    found, population = sample(paths or PACKAGES, mutants, seed)
    if survivors:
        alive = results.stored_survivors()
        found = [each for each in found if (each.path, each.before, each.after) in alive]
    done = _tried(found, begun + minutes * _MINUTE, processes, budget)
    seconds, date = time.monotonic() - begun, datetime.now(UTC).strftime("%Y-%m-%d")
    result = results.Result(done, mutants, seed, population, seconds, date, code)
    if not survivors:
        results.save(result)
        if not paths and results.present_code() == code:
            results.write(result)
    typer.echo(_said(result))
    raise typer.Exit(0 if result.score >= least else 1)


def _tried(mutants: Sequence[Mutant], until: float, processes: int, budget: float) -> list[Tried]:
    folders = [copies.made(number) for number in range(processes)]
    console = Console(stderr=True)
    console.print("Measuring which test reaches which line, unless the last run measured this code")
    reached = replace(reach.measured(folders[0], processes), budget=budget)
    for test in reached.failed:
        console.print(f"left out, because it fails without a mutant: {test}", markup=False)
    check_copy(mutants, reached, folders[0])
    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("mutants", total=len(mutants))

        def report(result: Tried) -> None:
            progress.advance(bar)
            if result.outcome not in (*DEAD, Outcome.EQUIVALENT):
                console.print(results.described(result), markup=False, highlight=False)

        limits = campaign.Limits(folders, until)
        return campaign.run(
            mutants, kept(), lambda mutant, copy: tried(mutant, reached, copy), limits, report
        )


def _said(result: results.Result) -> str:
    lines = [f"{len(result.tried)} of {result.asked} mutants in {result.seconds:,.0f} s"]
    counts = dict.fromkeys(Outcome, 0)
    for each in result.tried:
        counts[each.outcome] += 1
    lines += [f"{count:6} {outcome}" for outcome, count in counts.items()]
    return "\n".join([*lines, f"score {result.score:.1f} %"])


if __name__ == "__main__":
    app()
