"""One outage during writes, and the state of the system after it."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from local.quick.names import Options
from receipt_ops.connection import Connection, connect
from receipt_ops.loading.items import Entity
from tests.reliability.outages.alarms import alarms
from tests.reliability.outages.operator import dead_letters, embedding_again, loaded, writing
from tests.reliability.outages.proxied_system import ProxiedSystem, Service, system_with
from tests.reliability.outages.proxy import Shape
from tests.reliability.outages.signals import Signals
from tests.support.oracle.embedded import EmbeddedTexts
from tests.support.oracle.settling import judging

RECEIPTS: Final = 6
RATE: Final = 8.0
"""Changes a second."""
EMBEDDED_EVERY: Final = 1.0
"""Seconds between two lines that get another text and vector."""
MARGIN: Final = 6.0
"""Seconds of writing before the outage, and after it: one period of the alarms."""
PATIENCE: Final = 180.0
VISIBILITIES: Final = 4
"""Seconds and visibility timeouts within which the system must be ready, and must catch up.

A message may return to the queue once more after the outage.
"""
LONGEST: Final = 120.0
"""Seconds after which an outage ends although no alarm is on."""
_SHARE_OF_RECEIVES: Final = 0.75
"""The part of the visibility timeouts of all receives that an outage may take. After the last
receive, SQS would move sound messages to the dead-letter queue.
"""

Say = Callable[[str], None]


@dataclass
class Result:
    """An outage and its effects."""

    service: str
    shape: str
    seconds: float
    """The least time that it lasts, and after the trial the time that it lasted."""
    writes: int = 0
    embedded_again: int = 0
    faults: int = 0
    """Number of connections that were cut or refused, and of requests that were delayed."""
    lost: int = 0
    """Number of records that differ at the end, and of sound messages in the dead-letter queues."""
    differences: str = ""
    caught_up: float | None = None
    """Seconds from the end of the outage until table and index agree. None if they never do."""
    freshness: float = 0.0
    """The worst freshness in seconds since the outage began."""
    before: list[str] = field(default_factory=list)
    """Alarms that were on before the outage."""
    alarmed: list[str] = field(default_factory=list)
    """Alarms that were raised by the outage."""

    @property
    def held(self) -> bool:
        """Return whether nothing was lost, the system recovered, and the alarms were right."""
        return (
            self.lost == 0 and self.caught_up is not None and self.faults > 0 and self.alarms_right
        )

    @property
    def alarms_right(self) -> bool:
        """Return whether the outage raised an alarm, and no alarm was on before it.

        The retries of a client may bridge a service that flaps. Then no change is later than the
        alarm of freshness allows, and no alarm is right.
        """
        ridden_out = self.shape == Shape.FLAPPING and self.freshness <= _allowed_freshness()
        return not self.before and (bool(self.alarmed) or ridden_out)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "alarms_right": self.alarms_right, "held": self.held}


def run(service: Service, shape: Shape, seconds: float, folder: Path, say: Say) -> Result:
    """Start a system below `folder`, disturb it, and judge it."""
    result, embedded = Result(service.name.lower(), shape.value, seconds), EmbeddedTexts()
    say("starting")
    with system_with(service, folder) as system:
        connection = connect(system.variables, Path())
        say("loading")
        entities = loaded(connection, RECEIPTS, 1, embedded)
        with judging(connection, embedded, system.variables) as judge:
            patience = PATIENCE + VISIBILITIES * system.options.visibility_timeout
            ready = judge.settled(patience)
            if not ready.settled:
                raise RuntimeError(f"the system was not ready: {ready.differences}")
            with Signals(system.stack) as signals:
                begun, ended = _run_outage(
                    system, connection, entities, embedded, signals, result, say
                )
                say("catching up")
                found = judge.settled(patience)
                if found.settled:
                    result.caught_up = round(time.time() - ended, 1)
                _judge_alarms(result, signals, system, begun)
        result.differences = str(found.differences)
        result.lost = found.differences.wrong + dead_letters(system.stack)
    return result


def _run_outage(
    system: ProxiedSystem,
    connection: Connection,
    entities: list[Entity],
    embedded: EmbeddedTexts,
    signals: Signals,
    result: Result,
    say: Say,
) -> tuple[float, float]:
    """Run the outage. Return its begin and its end in seconds since 1970."""
    proxy = system.proxy
    with (
        writing(connection, entities, RATE) as reports,
        embedding_again(connection, entities, embedded, EMBEDDED_EVERY) as texts,
    ):
        time.sleep(MARGIN)
        say(f"{result.service} is {result.shape}")
        proxy.faults, begun = 0, time.time()
        with proxy.misbehaving(Shape(result.shape)):
            new = loaded(connection, 1, 2, embedded)
            time.sleep(max(0.0, begun + result.seconds - time.time()))
            _wait_for_alarm(result, signals, system, begun)
        ended, result.faults = time.time(), proxy.faults
        result.seconds = round(ended - begun, 1)
        say("writing on")
        time.sleep(MARGIN)
    written = sum(report.written for report in reports)
    result.writes, result.embedded_again = written + len(new), len(texts)
    return begun, ended


def _wait_for_alarm(result: Result, signals: Signals, system: ProxiedSystem, begun: float) -> None:
    """Wait until the alarms are right, or until the outage is as long as it may be."""
    end = begun + longest(system.options)
    _judge_alarms(result, signals, system, begun)
    while not result.alarms_right and time.time() < end:
        time.sleep(1.0)
        _judge_alarms(result, signals, system, begun)


def longest(options: Options) -> float:
    """Return the seconds after which an outage ends although no alarm is on."""
    receives = options.visibility_timeout * options.max_receive_count
    return min(LONGEST, _SHARE_OF_RECEIVES * receives)


def _judge_alarms(result: Result, signals: Signals, system: ProxiedSystem, begun: float) -> None:
    wanted, now = alarms(system.options.function_timeout), time.time()
    result.before = signals.raised(wanted, signals.begun, begun)
    raised = signals.raised(wanted, signals.begun, now)
    result.alarmed = [name for name in raised if name not in result.before]
    late = signals.series().get(("compactor", "Freshness"), [])
    result.freshness = round(max((v for at, v in late if at >= begun), default=0.0) / 1000, 1)


def _allowed_freshness() -> float:
    """Return the threshold of the alarm of freshness in seconds."""
    (alarm,) = (alarm for alarm in alarms(1.0) if alarm.metric == "Freshness")
    return alarm.threshold / 1000
