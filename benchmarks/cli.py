"""The command line: `python -m benchmarks [names…]`."""

import json
import shlex
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from benchmarks.names import Name
from benchmarks.reporting.report import Report
from benchmarks.reporting.results import result_of, write_result
from benchmarks.reporting.screen import progress_bars, rich_table, show
from benchmarks.reporting.targets import verdict_table, verdicts
from benchmarks.scale import FULL, HUGE, QUICK, Scale
from local.endings import ends_in_a_sentence
from receipt_ops.terminal.console import output

MISSED: Final = 1

app: Final = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@ends_in_a_sentence("benchmarks")
def benchmarks(
    names: Annotated[
        list[Name] | None, typer.Argument(help="Benchmarks to run. Default: all.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Use small sizes. Takes under five minutes.")
    ] = False,
    huge: Annotated[
        bool, typer.Option("--huge", help="Also run the cycle at 100,000 records.")
    ] = False,
    receipts: Annotated[
        Path | None,
        typer.Option(
            help="Receipts for `search`, in place of synthetic ones.", exists=True, dir_okay=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Run the benchmarks and compare their figures with the targets.

    Each result is stored in build/bench/NAME.json.

    Exit code 0: every measured target is reached.
    Exit code 1: a target is missed.
    Exit code 2: a benchmark could not run.

    Example: python -m benchmarks cycle stream --quick

    Example: python -m benchmarks search --receipts receipts.jsonl
    """
    scale = replace(
        QUICK if quick else HUGE if huge else FULL,
        receipts=None if receipts is None else str(receipts),
    )
    results = [_measure(name, scale, silent=as_json) for name in names or list(Name)]
    judged = verdicts(
        {key: value for result in results for key, value in result["figures"].items()}
    )
    if as_json:
        typer.echo(json.dumps(results, indent=2))
    else:
        output().print(rich_table(verdict_table(judged)))
    if any(verdict.missed for verdict in judged):
        raise typer.Exit(MISSED)


def _measure(name: Name, scale: Scale, silent: bool) -> dict[str, Any]:
    report = _in_new_process(_run, name, scale)
    if not silent:
        show(report)
    result = result_of(
        name, report, scale, shlex.join(["python", "-m", "benchmarks", *sys.argv[1:]])
    )
    write_result(result)
    return result


def _run(name: str, scale: Scale) -> Report:
    module = import_module(f"benchmarks.cases.{name}")
    with progress_bars() as bars:
        report: Report = module.run(scale, bars)
    return report


def _in_new_process(call: Callable[..., Report], *arguments: Any) -> Report:
    """Call in a new process, so that no benchmark uses the memory or the caches of another."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(call, *arguments).result()


def main() -> None:
    """Run the command line."""
    app(prog_name="python -m benchmarks")
