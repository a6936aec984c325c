"""python -m tests.e2e.planted_faults --receipts FILE: verify and repair against planted faults."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer

from local.running import running
from local.stack import load
from tests.functional.operator import Operator
from tests.functional.planted_faults import findings, found_in, plant

_SETTLES_WITHIN: Final = "600"
_NAMES: Final = ("equal", "missing", "unexpected", "different")


def main(
    receipts: Annotated[
        Path | None,
        typer.Option(
            help="File of receipts: one JSON object in each line. Default: synthetic ones."
        ),
    ] = None,
    faults: Annotated[int, typer.Option(help="How many records.", min=7)] = 1000,
    seed: Annotated[int, typer.Option(help="Other records.")] = 1,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder of a local AWS whose receipts to use; else one is started."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Load receipts into a new local AWS, plant faults, verify, repair, and verify again.

    Exit status: 0 if every fault was found and repaired, otherwise 1.

    Example: python -m tests.e2e.planted_faults --receipts receipts.jsonl --faults 1000
    """
    with _operator(receipts, state) as operator:
        outcome = _outcome(operator, faults, seed)
    if as_json:
        typer.echo(json.dumps(outcome, indent=2))
    else:
        for name, value in outcome.items():
            typer.echo(f"{name}: {value}")
    raise typer.Exit(0 if outcome["every fault found"] and outcome["every fault repaired"] else 1)


@contextmanager
def _operator(receipts: Path | None, state: Path | None) -> Iterator[Operator]:
    if state is not None:
        yield Operator.of(load(state))
        return
    with TemporaryDirectory() as folder, running(Path(folder)) as stack:
        operator = Operator.of(stack)
        operator.command("load", *([str(receipts)] if receipts else ["--synthetic", "313"]))
        yield operator


def _outcome(operator: Operator, faults: int, seed: int) -> dict[str, Any]:
    before = operator.json("verify", "--wait", _SETTLES_WITHIN)
    planted = plant(operator, faults, seed)
    begun = time.monotonic()
    verdict = operator.json("verify", "--examples", str(faults + 1), code=1)
    verified = time.monotonic()
    repaired = operator.json("repair", "--wait", _SETTLES_WITHIN)
    done = time.monotonic()
    after = {name: repaired["after"][name] for name in _NAMES}
    return {
        "records": before["equal"],
        "planted": {kind.value: len(ids) for kind, ids in planted.items()},
        "found": {name: verdict[name] for name in _NAMES},
        "every fault found": found_in(verdict) == findings(planted),
        "sent": {name: repaired[name] for name in ("recompute", "remove", "resend")},
        "after": after,
        "every fault repaired": after == {**dict.fromkeys(_NAMES, 0), "equal": before["equal"]},
        "seconds of verify": round(verified - begun, 1),
        "seconds of repair": round(done - verified, 1),
    }


if __name__ == "__main__":
    typer.run(main)
