"""python -m tests.e2e.planted_faults --receipts FILE: verify and repair against planted faults."""

import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer

from local.running import running
from tests.functional.operating import Operator
from tests.functional.planting import findings, found_in, plant

_LOAD_SECONDS: Final = "240"


def main(
    receipts: Annotated[
        Path | None, typer.Option(help="Receipts, one JSON object a line; made up by default.")
    ] = None,
    faults: Annotated[int, typer.Option(help="How many records.", min=7)] = 1000,
    seed: Annotated[int, typer.Option(help="Other records.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Load receipts into a local AWS of its own, plant faults, verify, repair, verify again.

    Exit status: 0 every fault was found and mended, 1 not so.

    Example: python -m tests.e2e.planted_faults --receipts receipts.jsonl --faults 1000
    """
    with TemporaryDirectory() as folder, running(Path(folder)) as stack:
        outcome = _outcome(Operator.of(stack), receipts, faults, seed)
    if as_json:
        typer.echo(json.dumps(outcome, indent=2))
    else:
        for name, value in outcome.items():
            typer.echo(f"{name}: {value}")
    raise typer.Exit(0 if outcome["every fault found"] and outcome["every fault mended"] else 1)


def _outcome(operator: Operator, receipts: Path | None, faults: int, seed: int) -> dict[str, Any]:
    source = [str(receipts)] if receipts else ["--synthetic", "313"]
    loaded = operator.json("load", *source)
    before = operator.json("verify", "--wait", _LOAD_SECONDS)
    planted = plant(operator, faults, seed)
    begun = time.monotonic()
    verdict = operator.json("verify", "--examples", str(faults + 1), code=1)
    verified = time.monotonic()
    repaired = operator.json("repair", "--wait", _LOAD_SECONDS)
    after = repaired["after"]
    names = ("equal", "missing", "unexpected", "different")
    return {
        "receipts": loaded["receipts"],
        "records": before["equal"],
        "planted": {kind.value: len(ids) for kind, ids in planted.items()},
        "found": {name: verdict[name] for name in names[1:]},
        "every fault found": found_in(verdict) == findings(planted),
        "sent": {name: repaired[name] for name in ("recompute", "remove", "resend")},
        "after": {name: after[name] for name in names},
        "every fault mended": after["equal"] == before["equal"]
        and not any(after[name] for name in names[1:]),
        "seconds of verify": round(verified - begun, 1),
        "seconds of repair": round(time.monotonic() - verified, 1),
    }


if __name__ == "__main__":
    typer.run(main)
