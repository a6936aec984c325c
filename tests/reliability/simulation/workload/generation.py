"""Draws the history of a seed."""

from dataclasses import replace
from random import Random
from typing import Final

from tests.reliability.simulation.faults.faults import ANYWHERE, UNANSWERED, Kind, Side, Target
from tests.reliability.simulation.workload.events import WorkloadGenerator
from tests.reliability.simulation.workload.script import (
    ANSWERABLE,
    HARMLESS,
    LATE,
    LENGTH,
    RARE,
    STEPS,
    Conditions,
    Event,
    Script,
)

_KINDS: Final = 8
_LOST_ANSWERS, _SERVER, _DEADLY = 0, 4, 5
"""Of every `_KINDS` histories, one has no faults except lost answers, and one has a Chroma
server. Every second one of a third kind has a message that kills its workers.
"""


def generate(seed: int) -> Script:
    """Return the history of a seed."""
    source = Random(seed)
    conditions = _conditions(source)
    if seed % _KINDS == _LOST_ANSWERS:
        conditions = _only_lost_answers(conditions, source)
    if seed % _KINDS == _SERVER:  # A claim lasts for minutes, and messages return until it ends.
        skew = min(conditions.skew, 2.0)
        conditions = replace(
            conditions,
            server=True,
            visibility=400.0,
            skew=skew,
            workers=max(2, conditions.workers),
            targets=(*conditions.targets, _at_the_server(source)),
        )
    steps = {target.step for target in conditions.targets}
    events = tuple(WorkloadGenerator(source).events(steps))
    if conditions.only_lost_answers:
        events = tuple(event for event in events if event.action in HARMLESS)
    steps |= {event.arguments["step"] for event in events if event.action == "edit_during_cycle"}
    if seed % (2 * _KINDS) == _DEADLY:
        conditions, events = _with_deadly_message(seed, conditions, events)
        steps = set()
    return Script(seed, _reaching(conditions, steps), events)


def _with_deadly_message(
    seed: int, conditions: Conditions, events: tuple[Event, ...]
) -> tuple[Conditions, tuple[Event, ...]]:
    """Return a history whose only fault is a delta that kills each worker that writes it.

    Every second one has a Chroma server. The visibility timeout has the relation to the function's
    timeout that terraform demands, because other values are outside of what the project promises.
    """
    source = Random(f"deadly {seed}")
    server = bool(source.randrange(2))
    conditions = replace(
        conditions,
        has_deadly_message=True,
        server=server,
        skew=min(conditions.skew, 2.0),
        visibility=1_800.0,
        messages_a_batch=source.choice((3, 10)),
        workers=source.choice((1, 2)),
        doubled=0.0,
        rates={},
        targets=(),
    )
    keys = next(event.arguments["keys"] for event in events if event.action == "embed")
    deadly = Event("deadly", source.uniform(1.0, LENGTH), "embed_deadly", {"keys": keys[:1]})
    kept = [event for event in events if event.action in HARMLESS - {"poison", "redrive"}]
    near = [
        event._replace(name=f"{event.name} again", at=deadly.at + source.uniform(-1.0, 1.0))
        for event in kept
        if event.action in {"put", "embed"} and event.at < deadly.at
    ]
    return conditions, tuple(sorted((*kept, *near, deadly), key=lambda event: event.at))


def _only_lost_answers(conditions: Conditions, source: Random) -> Conditions:
    """Return the conditions with one worker and with no faults except lost answers."""
    rates = {kind: source.choice((0.02, 0.1, 0.3)) for kind in UNANSWERED}
    target = Target(source.choice(ANSWERABLE), source.choice((1, 2)), Kind.LOST, Side.AFTER, 0.0)
    return replace(conditions, workers=1, rates=rates, targets=(target,), only_lost_answers=True)


def _at_the_server(source: Random) -> Target:
    """Return a pause before a write, or an error of a write that the server may still carry out."""
    return Target(
        step=source.choice(("index.update", "index.insert", "index.replace", "index.delete")),
        occurrence=source.choice((1, 2, 3)),
        kind=source.choice((Kind.PAUSE, Kind.FREEZE, Kind.ERROR, Kind.ERROR)),
        side=Side.BEFORE,
        seconds=source.choice((70.0, 130.0)),
    )


def _conditions(source: Random) -> Conditions:
    choose = source.choice
    return Conditions(
        workers=choose((1, 2, 2, 3)),
        messages_a_batch=choose((1, 3, 10, 10, 10)),
        records_a_batch=choose((3, 10, 30, 30)),
        window=choose((0.0, 1.0, 5.0)),
        visibility=choose((180.0, 400.0, 900.0)),
        max_receives=5,
        lease=choose((40.0, 60.0)),
        retention=choose((0.0, 30.0, 150.0, 100_000.0)),
        skew=choose((0.0, 0.0, 2.0, 45.0)),
        query_page=choose((1, 3, 100)),
        keys_a_read=choose((3, 100)),
        records_a_slice=choose((3, 10_000)),
        max_packs=choose((2, 5, 200)),
        rebase_floor=choose((600, 64 * 2**20)),
        block_size=choose((4096, 4 * 2**20)),
        doubled=choose((0.0, 0.0, 0.0, 0.3)),
        delayed=choose((0.0, 0.0, 0.5)),
        cold=choose((0.0, 0.1, 0.5)),
        rates=_rates(source),
        targets=tuple(_target(source) for _ in range(choose((0, 1, 1, 2)))),
    )


def _reaching(conditions: Conditions, steps: set[str]) -> Conditions:
    """Return the conditions, changed so that the history reaches the rare ones of the steps."""
    if "objects.delete" in steps:
        conditions = replace(conditions, retention=0.0, max_packs=0, block_size=4096)
    if "lock.extend" in steps:  # A heartbeat comes after 15 s, and few cycles take so long.
        slow = Target("table.get", 2, Kind.STALL, Side.BEFORE, 25.0)
        conditions = replace(conditions, targets=(*conditions.targets, slow))
    return conditions


def _rates(source: Random) -> dict[Kind, float]:
    kinds = source.sample(list(Kind), source.choice((0, 1, 2, 3)))
    return {kind: source.choice((0.005, 0.02, 0.08)) for kind in kinds}


def _target(source: Random) -> Target:
    """Return a random fault at a step. Crashes are most frequent, so that every step gets some."""
    kind = source.choice((Kind.CRASH, Kind.CRASH, *ANYWHERE))
    step = source.choice(STEPS)
    return Target(
        step=step,
        occurrence=1 if step in RARE or step in LATE else source.choice((1, 1, 2, 3, 5)),
        kind=kind,
        side=source.choice(list(Side)),
        seconds=source.choice((25.0, 70.0, 130.0)),
    )
