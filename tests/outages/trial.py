"""One outage while writes go on, and what is left of it afterwards."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from operations.connection import Connection, connect
from operations.items import Entity
from tests.outages.operator import dead_letters, loaded, verified, writing
from tests.outages.proxy import Shape
from tests.outages.signals import DEPTH, Signals
from tests.outages.surroundings import Service, Surroundings, system_with

RECEIPTS: Final = 6
RATE: Final = 8.0
"""Changes a second."""
MARGIN: Final = 2.0
"""Seconds of writing before the outage, and after it."""
PATIENCE: Final = 120.0
"""Seconds for the system to be ready or to catch up, before that counts as a failure."""
FAULTS: Final = ("missing", "unexpected", "different")

Say = Callable[[str], None]


@dataclass
class Result:
    """What an outage was, and what became of it."""

    service: str
    shape: str
    seconds: float
    writes: int = 0
    faults: int = 0
    """Connections that were cut or refused, and requests that were delayed."""
    lost: int = 0
    """Records that differ in the end, and messages in the dead-letter queues: all are good ones."""
    caught_up: float | None = None
    """Seconds from the end of the outage until table and index agree, at most; None: never."""
    alarmed: dict[str, float] = field(default_factory=dict)
    """The largest value of each metric that an alarm watches; durations are ms."""

    @property
    def held(self) -> bool:
        """Nothing was lost, it healed by itself, and somebody would have been told."""
        return self.lost == 0 and self.caught_up is not None and self.faults > 0 and self.told

    @property
    def told(self) -> bool:
        """Whether what alarms watch shows the outage: readers were late, or sending failed.

        Tries anew may ride out a service that flaps; then freshness says that nobody was late.
        """
        freshness = self.alarmed.get("Freshness", 0.0)
        late = freshness >= 1000 * self.seconds / 2
        ridden_out = self.shape == Shape.FLAPPING and freshness > 0
        return late or ridden_out or self.alarmed.get("StreamProcessingErrors", 0.0) > 0

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "told": self.told, "held": self.held}


def run(service: Service, shape: Shape, seconds: float, folder: Path, say: Say) -> Result:
    """Start a system below `folder`, let it suffer, and judge it."""
    result = Result(service.name.lower(), shape.value, seconds)
    say("starting")
    with system_with(service, folder) as surroundings:
        connection = connect(surroundings.variables, Path())
        say("loading")
        entities = loaded(connection, RECEIPTS, seed=1)
        ready = verified(surroundings.variables, PATIENCE)
        if not ready["settled"]:
            raise RuntimeError(f"the system was not ready: {ready}")
        signals = Signals(surroundings.stack)
        ended = _suffer(surroundings, connection, entities, result, say)
        say("catching up")
        _judge(surroundings, result, ended)
        result.alarmed |= signals.largest()
    return result


def _suffer(
    surroundings: Surroundings,
    connection: Connection,
    entities: list[Entity],
    result: Result,
    say: Say,
) -> float:
    """When the outage ended, by the monotonic clock."""
    proxy = surroundings.proxy
    with writing(connection, entities, RATE, result.seconds + 2 * MARGIN) as reports:
        time.sleep(MARGIN)
        say(f"{result.service} is {result.shape}")
        proxy.faults = 0
        with proxy.misbehaving(Shape(result.shape)):
            begun = time.monotonic()
            new = loaded(connection, 1, seed=2)
            time.sleep(max(0.0, begun + result.seconds - time.monotonic()))
        ended, result.faults = time.monotonic(), proxy.faults
        say("writing on")
    (report,) = reports
    result.writes = report.written + len(new)
    result.alarmed = {DEPTH: float(report.most_waiting)}
    return ended


def _judge(surroundings: Surroundings, result: Result, ended: float) -> None:
    verdict = verified(surroundings.variables, PATIENCE)
    if verdict["settled"]:
        result.caught_up = round(time.monotonic() - ended, 1)
    differing = sum(verdict[fault] for fault in FAULTS)
    result.lost = differing + dead_letters(surroundings.stack)
