"""The two runs: changes at a steady rate, and a backlog that is drained."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from local.endpoint import Request
from local.names import Options
from local.running import running
from local.stack import Stack
from local.state import State
from operations.commands.verify import verify_once
from operations.connection import Connection
from operations.items import Entity
from operations.readers import snapshot_readers
from operations.settling import Settled, queue_backlog, settle
from operations.trials.editing import TableEditor, apply
from operations.trials.stress import Stress, StressReport
from receipt_sync.clock import SystemClock
from receipt_sync.keys import EntityKey
from receipt_sync.messages import Change, EntityData, to_body
from tests.soak.footprint import Footprint
from tests.soak.receipts import changes, loaded

RETENTION_SECONDS: Final = 30
"""Of objects that no version needs, so that a run outlasts it many times over."""
MAY_GROW: Final = 1.25
"""By how much a footprint may be larger at the end than after the warming up."""
_ROOM: Final = 64.0
"""MiB of bucket or disk below which growth is the first packs' and says nothing."""

Tell = Callable[[str, float, float, str], None]
"""Stage, how much is done, of how much, and a word."""


@dataclass
class Outcome:
    """What a run says. `faults` are sentences; none if all is well."""

    facts: dict[str, Any]
    faults: list[str]
    lost: int
    tries: int

    def to_json(self) -> dict[str, Any]:
        return {"tries": self.tries, "lost": self.lost, "faults_found": self.faults, **self.facts}


@contextmanager
def system() -> Iterator[tuple[Stack, State]]:
    """A private local AWS with both functions, that forgets its old objects soon."""
    variables = {"SNAPSHOT_RETENTION_SECONDS": str(RETENTION_SECONDS)}
    with TemporaryDirectory(prefix="soak-") as folder:
        request = Request(options=Options(variables=variables))
        with running(Path(folder) / "aws", request=request) as stack:
            yield stack, State.at(Path(folder) / "aws")


def soak(rate: float, seconds: float, receipts: int, seed: int, tell: Tell) -> Outcome:
    """Write `rate` changes a second for `seconds`, let it settle, verify."""
    with system() as (stack, state):
        connection, entities = loaded(stack, receipts, seed)
        footprint = Footprint(stack, state)
        with footprint.watched(every=max(1.0, seconds / 200)):
            report = _stress(connection, entities, rate, seconds, seed, tell)
            begun = time.monotonic()
            settled = _settled(connection, patience=max(60.0, seconds), tell=tell)
        took = time.monotonic() - begun
    facts = {
        "what": f"{rate:g} changes a second for {seconds:g} s",
        "achieved_per_second": round(report.achieved, 1),
        "settled_after_seconds": round(took, 1),
        "verdict": settled.verdict.to_json(),
        **footprint.to_json(),
    }
    faults = _faults(settled, footprint)
    if report.achieved < 0.95 * rate:
        faults.append(f"only {report.achieved:.1f} changes a second were written")
    return Outcome(facts, faults, settled.verdict.faults, report.written)


def drain(messages: int, receipts: int, seed: int, tell: Tell) -> Outcome:
    """Let so many messages of real changes gather, then switch the compactor on; verify."""
    with system() as (stack, state):
        connection, entities = loaded(stack, receipts, seed)
        _consume(stack, on=False)
        _gather(connection, entities, messages, seed, tell)
        footprint = Footprint(stack, state)
        _consume(stack, on=True)
        begun = time.monotonic()
        with footprint.watched(every=1.0):
            _until_empty(connection, messages, tell)
            took = time.monotonic() - begun
            settled = _settled(connection, patience=120.0, tell=tell)
    facts = {
        "what": f"a backlog of {messages:,} messages drained",
        "messages_per_second": round(messages / took, 1),
        "drained_after_seconds": round(took, 1),
        "verdict": settled.verdict.to_json(),
        **footprint.to_json(),
    }
    return Outcome(facts, _unsettled(settled), settled.verdict.faults, messages)


def _stress(
    connection: Connection,
    entities: list[Entity],
    rate: float,
    seconds: float,
    seed: int,
    tell: Tell,
) -> StressReport:
    url = connection.names.compaction_queue_url
    editor = TableEditor(connection.dynamodb, connection.names.table)
    stress = Stress(editor, lambda: queue_backlog(connection.sqs, url), SystemClock())
    total = round(rate * seconds)
    return stress.run(
        changes(entities, seed),
        rate,
        seconds,
        lambda written, backlog: tell("changes written", written, total, str(backlog)),
    )


def _gather(
    connection: Connection, entities: list[Entity], messages: int, seed: int, tell: Tell
) -> None:
    """Messages of entities that may have changed, as a repair sends them; each tenth has."""
    editor = TableEditor(connection.dynamodb, connection.names.table)
    made = changes(entities, seed)
    sent = 0
    while sent < messages:
        some = [next(made) for _ in range(min(10, messages - sent))]
        apply(editor, some[0])
        entries: Any = [
            {"Id": str(number), "MessageBody": _message(edit.key)}
            for number, edit in enumerate(some)
        ]
        connection.sqs.send_message_batch(
            QueueUrl=connection.names.compaction_queue_url, Entries=entries
        )
        sent += len(some)
        tell("messages gathered", sent, messages, "")


def _message(key: EntityKey) -> str:
    field = "merchant_name" if key.line_id is None else "text"
    return to_body(
        Change(
            entity_type=key.entity_type,
            entity_data=EntityData.of(key),
            changes={field: {}},
            event_name="MODIFY",
            timestamp=datetime.now(UTC),
            stream_record_id="soak",
            sequence_number="1",
            aws_region="us-east-1",
        )
    )


def _consume(stack: Stack, *, on: bool) -> None:
    assert stack.deployment is not None
    stack.clients().lambda_.update_event_source_mapping(
        UUID=stack.deployment.queue_mapping, Enabled=on
    )


def _until_empty(connection: Connection, messages: int, tell: Tell) -> None:
    while True:
        left = queue_backlog(connection.sqs, connection.names.compaction_queue_url)
        tell("messages drained", max(0, messages - left.waiting - left.in_flight), messages, "")
        if left.is_empty:
            return
        time.sleep(0.5)


def _settled(connection: Connection, patience: float, tell: Tell) -> Settled:
    url = connection.names.compaction_queue_url
    with snapshot_readers(connection) as readers:
        return settle(
            lambda: verify_once(connection, readers, examples=5),
            lambda: queue_backlog(connection.sqs, url),
            SystemClock(),
            patience,
            lambda left, remain: tell("settling", patience - remain, patience, str(left)),
        )


def _faults(settled: Settled, footprint: Footprint) -> list[str]:
    faults = _unsettled(settled)
    for name in ("stream_processor", "compactor"):
        if footprint.growth(name) > MAY_GROW:
            faults.append(f"the memory of {name} grew by {footprint.growth(name):.2f}")
    for name in ("disk", "bucket"):
        if footprint.growth(name) > MAY_GROW and footprint.most(name) > _ROOM:
            faults.append(f"{name} grew by {footprint.growth(name):.2f}")
    return faults


def _unsettled(settled: Settled) -> list[str]:
    return [] if settled.settled else [f"{settled.verdict.faults} differences, or work, are left"]
