"""Writes changes at a steady rate, in a separate process so that nothing else delays it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.queues import Queue
from random import Random
from typing import Final, NamedTuple

from benchmarks.errors import BenchmarkError
from benchmarks.paths import PROJECT
from receipt_ops.connection import connect
from receipt_ops.loading.items import Entity
from receipt_ops.loading.wiring import writer_of
from receipt_ops.pacing import Pacing, steadily
from receipt_sync.keys import EntityKey

_TICK: Final = 0.05
_ITEMS_A_REQUEST: Final = 25
_END: Final = 10.0


class Write(NamedTuple):
    """The confidence that an entity got, and the time (epoch seconds) at which the write began."""

    key: EntityKey
    value: float
    begun: float


@dataclass(frozen=True)
class Load:
    """A load: `rate` changes a second for `seconds`, spread over `entities`.

    `first` is the number of the first value. No two loads of a run may share a number.
    """

    entities: Sequence[Entity]
    rate: int
    seconds: float
    first: int


@contextmanager
def steady_writes(variables: Mapping[str, str], load: Load) -> Iterator["Queue[list[Write]]"]:
    """Run the writer for the block. Yield a queue that gets the writes of each finished request.

    Raises:
        BenchmarkError: The writer failed. It is raised after the block.
    """
    context = get_context("spawn")
    made: Queue[list[Write]] = context.Queue()
    process = context.Process(target=_write_all, args=(dict(variables), load, made), daemon=True)
    process.start()
    try:
        yield made
        process.join(_END)
        if process.exitcode != 0:
            raise BenchmarkError(f"the writer ended with exit status {process.exitcode}")
    finally:
        process.terminate()
        process.join()


def _write_all(variables: dict[str, str], load: Load, made: "Queue[list[Write]]") -> None:
    writer = writer_of(connect(variables, PROJECT))
    order = Random(load.rate).sample(load.entities, len(load.entities))
    total, written = int(load.rate * load.seconds), 0
    pacing = Pacing(steadily(load.rate), time.monotonic())
    while written < total:
        count = pacing.take(min(total - written, _ITEMS_A_REQUEST), time.monotonic())
        if not count:
            time.sleep(_TICK)
            continue
        numbers = range(written, written + count)
        changed = [_changed(order[n % len(order)], load.first + n) for n in numbers]
        now = time.time()
        writer.put(changed)
        made.put([Write(e.key, float(e.fields["confidence"]), now) for e in changed])
        written = numbers.stop


def _changed(entity: Entity, number: int) -> Entity:
    """Return the entity with a confidence that no other write has."""
    return replace(entity, fields={**entity.fields, "confidence": Decimal(number).scaleb(-7)})
