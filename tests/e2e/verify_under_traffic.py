"""Check `verify` while a writer changes the table: python -m tests.e2e.verify_under_traffic.

A writer edits some receipts at a steady rate, and leaves the others unchanged. With a sound
compactor, `verify` must exit with 0. Then the script plants faults in records of the unchanged
receipts. In the same traffic, `verify` must name each of them and nothing else.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

import typer

from compactor.locking.dynamodb_lock_table import DynamoDBLockTable
from compactor.locking.lock_table import CompactionLock, lock_id_of
from local.running import running
from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.probes.editing import Kind, apply, edits
from receipt_ops.verification.suspects import QUIET_SECONDS
from receipt_sync.keys import Collection
from tests.functional.operator import Operator
from tests.functional.planted_faults import findings, found_in, plant
from tests.functional.recorded_calls import NOT_OF_THE_COMMAND

_EDITED_SEED: Final = 71
_QUIET_SEED: Final = 72
_WEIGHTS: Final = {Kind.MERCHANT: 1, Kind.LINE: 5, Kind.WORD: 10, Kind.NOISE: 5, Kind.DELETE: 1}
_HELD_SECONDS: Final = 120


@dataclass
class Traffic:
    """A writer at a steady rate. `written` counts its writes; `failure` ends it."""

    operator: Operator
    entities: list[Entity]
    rate: float
    written: int = 0
    failure: Exception | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Write during the block, and raise the error that ended the writer early."""
        thread = threading.Thread(target=self._write, name=NOT_OF_THE_COMMAND)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
        if self.failure is not None:
            raise self.failure

    def _write(self) -> None:
        connection = self.operator.connection
        editor = TableEditor(connection.dynamodb, connection.names.table)
        begun = time.monotonic()
        try:
            for edit in edits(self.entities, Random(1), _WEIGHTS):
                if self._over.wait(max(0.0, begun + self.written / self.rate - time.monotonic())):
                    return
                apply(editor, edit)
                self.written += 1
        except Exception as error:  # noqa: BLE001 raised again by `flowing`
            self.failure = error


@contextmanager
def leases(operator: Operator) -> Iterator[None]:
    """Hold both leases, so that the compactor waits while faults are planted."""
    connection = operator.connection
    table = DynamoDBLockTable(connection.dynamodb, connection.names.table)
    ids = [lock_id_of(operator.stack.names.lock_id, collection) for collection in Collection]
    try:
        for lock_id in ids:
            _acquire(table, lock_id)
        yield
    finally:
        for lock_id in ids:
            table.release(lock_id, "planter")


def _acquire(table: DynamoDBLockTable, lock_id: str) -> None:
    end = time.monotonic() + _HELD_SECONDS
    while True:
        now = datetime.now(UTC)
        lock = CompactionLock(lock_id, "planter", now + timedelta(seconds=_HELD_SECONDS), now)
        if table.acquire(lock, now) == lock.owner:
            return
        assert time.monotonic() < end, "the compactor did not give the lease away"
        time.sleep(0.02)


def outcome(
    operator: Operator, *, rate: float, seconds: float, receipts: int, faults: int, goal: float
) -> dict[str, Any]:
    """Run `verify` repeatedly for `seconds`. Then plant faults, and run it once more."""
    for seed in (_EDITED_SEED, _QUIET_SEED):
        operator.command("load", "--synthetic", str(receipts), "--seed", str(seed))
    operator.settled()
    made = synthetic_receipts(receipts, Random(_EDITED_SEED))
    edited = [entity for receipt in made for entity in entities_of(receipt)]
    images = {entity.key.image_id for entity in edited}
    arguments = ("verify", "--freshness-goal", str(goal), "--examples", str(faults + 50))
    verdicts: list[dict[str, Any]] = []
    traffic = Traffic(operator, edited, rate)
    begun = time.monotonic()
    with traffic.flowing():
        while not verdicts or time.monotonic() - begun < seconds:
            verdicts.append(operator.json(*arguments, code=None))
        with leases(operator):
            planted = plant(operator, faults, 1, lambda i: i.split("#")[1] not in images)
        found = operator.json(*arguments, code=1)
        took = time.monotonic() - begun
    return {
        "seconds": round(took, 1),
        "changes a second": round(traffic.written / took, 1),
        "verifications of the sound system": len(verdicts),
        "differences that they reported": sum(_faults(verdict) for verdict in verdicts),
        "undecided": sum(verdict["changing"] for verdict in verdicts),
        "planted": sum(map(len, planted.values())),
        "found": sum(map(len, found_in(found).values())),
        "found just those": found_in(found) == findings(planted),
    }


def _faults(verdict: dict[str, Any]) -> int:
    return int(verdict["missing"] + verdict["unexpected"] + verdict["different"])


def main(
    rate: Annotated[float, typer.Option(help="Changes a second.", min=1)] = 50,
    seconds: Annotated[float, typer.Option(help="How long to verify a sound system.")] = 300,
    receipts: Annotated[int, typer.Option(help="Receipts to edit; as many are left alone.")] = 15,
    faults: Annotated[int, typer.Option(help="Records to damage.", min=7)] = 20,
    goal: Annotated[float, typer.Option(help="--freshness-goal of verify.", min=1)] = 60,
) -> None:
    """Verify a new local AWS under traffic, and print the outcome as JSON.

    Exit status: 0 if `verify` named every planted fault and no false difference, otherwise 1.
    """
    with TemporaryDirectory() as folder, running(Path(folder)) as stack:
        result = outcome(
            Operator.of(stack, QUIET_SECONDS),
            rate=rate,
            seconds=seconds,
            receipts=receipts,
            faults=faults,
            goal=goal,
        )
    typer.echo(json.dumps(result, indent=2))
    sound = result["differences that they reported"] == 0 and result["found just those"]
    raise typer.Exit(0 if sound else 1)


if __name__ == "__main__":
    typer.run(main)
