"""Run many histories, or one again: `python -m tests.reliability.simulation`."""

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from tests.reliability.simulation import campaign, history
from tests.reliability.simulation.campaign import Summary
from tests.reliability.simulation.faults.planted import PLANTED, planted
from tests.reliability.simulation.shrink import Shrinker, Smallest, calmed, kept
from tests.reliability.simulation.workload.generation import generate
from tests.reliability.simulation.workload.script import Script

_CONSOLE = Console(stderr=True)
_HASH_SEED = "PYTHONHASHSEED"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(  # noqa: PLR0917
    histories: Annotated[int, typer.Option(help="Run the seeds below this number.")] = 1_000,
    first: Annotated[int, typer.Option(help="The first seed.")] = 0,
    processes: Annotated[int, typer.Option(help="Histories at a time.")] = os.cpu_count() or 1,
    state: Annotated[
        Path | None, typer.Option(help="Keep the summary here, and go on where it ended.")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End after so long; --state goes on another time.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Run one history, and make it small.")] = None,
    events: Annotated[str | None, typer.Option(help="Only these events of the seed.")] = None,
    faults: Annotated[str | None, typer.Option(help="Only these faults of the seed.")] = None,
    calm: Annotated[str, typer.Option(help="Conditions to make calm.")] = "",
    plant: Annotated[str | None, typer.Option(help=f"A bug: {', '.join(PLANTED)}.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run the real code in a simulated environment, and report the promise that it broke, if any.

    Exit status: 0 if every promise held, 1 if one was broken, 130 if the run was stopped.

    Examples:

      python -m tests.reliability.simulation --histories 10000

      python -m tests.reliability.simulation --seed 42

      python -m tests.reliability.simulation --histories 1000000 --minutes 60
    """
    with planted(plant):
        if seed is not None:
            script = calmed(generate(seed), [name for name in calm.split(",") if name])
            if events is not None and faults is not None:
                _replay(kept(script, events.split(","), faults.split(",")))
            _explain(script, plant)
        summary = campaign.load(state) if state else Summary(next_seed=first)
        end = None if minutes is None else time.monotonic() + 60 * minutes
        _run(summary, histories, 1 if plant else processes, state, end)
        _print(summary, as_json=as_json)
        for failed in list(summary.failed)[:1]:
            _explain(generate(failed), plant)


def _run(
    summary: Summary, histories: int, processes: int, state: Path | None, end: float | None
) -> None:
    progress = Progress(
        *Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn(),
        console=_CONSOLE,
    )  # fmt: skip
    with progress:
        task = progress.add_task("histories", total=histories, completed=summary.next_seed)
        try:
            for present in campaign.run_all(summary, histories, processes):
                progress.update(task, completed=present.next_seed)
                if state:
                    campaign.save(present, state)
                if end is not None and time.monotonic() > end:
                    break
        except KeyboardInterrupt:
            progress.stop()
            _print(summary, as_json=False)
            raise typer.Exit(130) from None


def _replay(script: Script) -> None:
    """Run one history exactly as given."""
    with history.simulated_production() as folder:
        outcome = history.run(script, folder)
    _show(script, outcome.injected, outcome.violation)
    raise typer.Exit(outcome.violation is not None)


def _explain(script: Script, plant: str | None) -> None:
    """Run one history.

    If it fails, print the smallest failing history and the command to repeat it.
    """
    with history.simulated_production() as folder:
        outcome = history.run(script, folder)
        if outcome.violation is None:
            _show(replace(script, events=()), [], None)
            raise typer.Exit(0)
        _CONSOLE.print(f"seed {script.seed} fails {outcome.violation}; making it small …")
        smallest = Shrinker(folder).shrink(script)
    _show(smallest.script, smallest.outcome.injected, smallest.outcome.violation)
    _CONSOLE.print("\nAgain:\n", _command(smallest, plant), sep="", soft_wrap=True, highlight=False)
    raise typer.Exit(1)


def _show(script: Script, injected: list[Any], violation: str | None) -> None:
    said = Console(soft_wrap=True, highlight=False, markup=False)
    said.print(f"seed {script.seed}: {script.conditions}")
    for line in sorted([*map(str, script.events), *map(str, injected)]):
        said.print(line)
    said.print("every promise held" if violation is None else f"BROKEN {violation}")


def _command(smallest: Smallest, plant: str | None) -> str:
    script = smallest.script
    options = {
        "seed": str(script.seed),
        "events": ",".join(event.name for event in script.events),
        "faults": ",".join(sorted(script.kept_faults or ())),
        "calm": ",".join(smallest.calm),
        "plant": plant,
    }
    given = " ".join(f"--{n} '{v}'" for n, v in options.items() if v is not None)
    return f"{Path(sys.executable).name} -m tests.reliability.simulation {given}"


def _print(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(summary.to_json()))
        return
    table = Table("what", "how many", title=f"{summary.histories:,} histories")
    rows = {"versions published and opened": summary.publishes, "calls": summary.calls}
    rows |= {f"fault: {kind}": count for kind, count in sorted(summary.faults.items())}
    rows |= {
        "steps × sides crashed at": len(summary.crashes),
        "never crashed": len(summary.never_crashed),
        "objects left without a manifest": summary.orphans,
        "histories that broke a promise": len(summary.failed),
    }
    for name, count in rows.items():
        table.add_row(name, f"{count:,}")
    Console().print(table)
    for seed, what in summary.failed.items():
        print(f"seed {seed}: {what}")


def _same_in_every_run() -> None:
    """Start again with a fixed hash seed if needed.

    Sets iterate in the order of their hashes. A seed therefore gives one history only under one
    hash seed.
    """
    if os.environ.get(_HASH_SEED) != "0":
        command = [sys.executable, "-m", "tests.reliability.simulation", *sys.argv[1:]]
        os.execve(sys.executable, command, {**os.environ, _HASH_SEED: "0"})


if __name__ == "__main__":
    _same_in_every_run()
    app()
