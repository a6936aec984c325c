"""Writes at a steady rate for a long time, and drains a long queue."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

from local.endpoint import Request
from local.quick.names import Options
from local.running import running
from local.stack import Stack
from local.state import State
from receipt_ops.connection import Connection, connect
from receipt_ops.loading.items import Entity, embedded
from receipt_ops.loading.wiring import writer_of
from receipt_ops.probes.editing import WEIGHTS, Kind, edits
from receipt_ops.verification.settling import Backlog
from receipt_ops.verification.sqs_backlog import queue_backlog
from receipt_sync.keys import EntityType
from tests.reliability.outages.operator import dead_letters, embedding_again, loaded
from tests.reliability.soak.queueing import OnProgress, drained, edit, send, take_messages
from tests.reliability.soak.sampling import Sampler
from tests.reliability.soak.writing import Writing
from tests.support.oracle.embedded import EmbeddedTexts
from tests.support.oracle.settling import Judge, judging

OPTIONS: Final = Options(
    function_timeout=60,
    lease=20,
    heartbeat=5,
    visibility_timeout=60,
    variables={"SNAPSHOT_RETENTION_SECONDS": "60"},
)
"""The retention is a minute, so that old objects are deleted during the run."""
KINDS: Final[Mapping[Kind, int]] = {
    kind: weight for kind, weight in WEIGHTS.items() if kind is not Kind.DELETE
}
"""Nothing is deleted, or a long run would end with an empty table."""
PATIENCE: Final = 900.0
JUDGED_FROM: Final = 120.0
"""Seconds. The memory and disk of a shorter run are not judged: a worker still warms up."""
EMBEDDED_EVERY: Final = 2.0
"""Seconds between two lines that get another text and vector."""


@dataclass
class Result:
    """A load and its effects. Rates are per second."""

    what: str
    seconds: float = 0.0
    """The seconds of the writes or of the drain."""
    done: int = 0
    """Number of changes written, or of messages drained."""
    rate: float = 0.0
    most_waiting: int = 0
    caught_up: float | None = None
    """Seconds from the last write until table and index agree. None if they never do."""
    lost: int = 0
    """Number of records that differ at the end, and of messages in the dead-letter queues."""
    differences: str = ""
    embedded_again: int = 0
    bounded: bool = True
    samples: dict[str, Any] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return self.lost == 0 and self.bounded and self.caught_up is not None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "held": self.held}


@dataclass(frozen=True)
class _Ready:
    """A deployed system with receipts in it."""

    stack: Stack
    state: State
    connection: Connection
    entities: list[Entity]
    embedded: EmbeddedTexts
    judge: Judge


@contextmanager
def ready(folder: Path, receipts: int, on_progress: OnProgress) -> Iterator[_Ready]:
    """Start a system below `folder`. Raises RuntimeError if it does not apply the receipts."""
    on_progress("starting", 0, 0)
    with running(folder / "aws", request=Request(options=OPTIONS)) as stack:
        connection, embedded = connect(stack.variables, Path()), EmbeddedTexts()
        on_progress("loading", 0, 0)
        entities = loaded(connection, receipts, 1, embedded)
        with judging(connection, embedded, stack.variables) as judge:
            if not judge.settled(PATIENCE).settled:
                raise RuntimeError("the receipts did not arrive")
            state = State.at(folder / "aws")
            yield _Ready(stack, state, connection, entities, embedded, judge)


def steady(
    folder: Path, rate: float, seconds: float, receipts: int, on_progress: OnProgress
) -> Result:
    """Write `rate` changes a second for `seconds` seconds."""
    result = Result(f"{rate:g} changes a second for {seconds:g} s")
    with (
        ready(folder, receipts, on_progress) as system,
        Sampler(system.state, system.stack) as sampler,
    ):
        items = {entity.key: embedded(entity) for entity in system.entities}
        # Whole items are written, so lines whose vectors follow their texts are left out here.
        lines, others = _set_aside(system.entities)
        writing = Writing(writer_of(system.connection), partial(_backlog, system), items)
        some, total = edits(others, Random(2), KINDS), round(rate * seconds)
        with embedding_again(system.connection, lines, system.embedded, EMBEDDED_EVERY) as texts:
            written = writing.run(
                some, rate, seconds, lambda done, left: on_progress(f"writing; {left}", done, total)
            )
        result.embedded_again = len(texts)
        result.seconds, result.done = round(written.seconds, 1), written.changes
        result.rate, result.most_waiting = round(written.rate, 1), written.most_waiting
        _judge(system, result, on_progress)
        result.samples = sampler.to_json()
        result.bounded = seconds < JUDGED_FROM or sampler.is_bounded
    return result


def backlog(folder: Path, messages: int, receipts: int, on_progress: OnProgress) -> Result:
    """Send this many messages at once, each about one record, while no consumer receives any."""
    result = Result(f"a backlog of {messages:,} messages")
    with ready(folder, receipts, on_progress) as system:
        take_messages(system.stack, enabled=False)
        edit(system.connection, system.entities, len(system.entities) // 2)
        send(system.connection, system.entities, messages, on_progress)
        most = _backlog(system)
        result.done = result.most_waiting = most.waiting + most.in_flight
        begun = time.monotonic()
        take_messages(system.stack, enabled=True)
        drained(partial(_backlog, system), result.done, PATIENCE, on_progress)
        result.seconds = round(time.monotonic() - begun, 1)
        result.rate = round(result.done / result.seconds, 1)
        _judge(system, result, on_progress)
    return result


def _judge(system: _Ready, result: Result, on_progress: OnProgress) -> None:
    on_progress("catching up", 0, 0)
    begun = time.monotonic()
    found, settled = system.judge.settled(PATIENCE)
    if settled:
        result.caught_up = round(time.monotonic() - begun, 1)
    result.differences = str(found)
    result.lost = found.wrong + dead_letters(system.stack)


def _set_aside(entities: list[Entity]) -> tuple[list[Entity], list[Entity]]:
    """Return every tenth line, and all other entities."""
    lines = [entity for entity in entities if entity.key.entity_type is EntityType.LINE][::10]
    keys = {entity.key for entity in lines}
    return lines, [entity for entity in entities if entity.key not in keys]


def _backlog(system: _Ready) -> Backlog:
    return queue_backlog(system.connection.sqs, system.connection.names.compaction_queue_url)
