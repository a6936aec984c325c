"""The conditions that must hold after writes and faults end and the queues are empty."""

from collections.abc import Iterable
from typing import Any

from compactor.cycle.dynamodb_source import DynamoDBSource
from receipt_ops.verification.verdict import Finding
from receipt_ops.verification.verify import Verification
from receipt_sync.keys import Collection
from tests.reliability.simulation.actors.readers import FollowingReader
from tests.reliability.simulation.checks import model
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.checks.contents import is_malformed, is_poison
from tests.reliability.simulation.checks.observer import Observer
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.environment.telemetry import WatchfulTelemetry
from tests.reliability.simulation.environment.threads import Clock


def check_drained(system: SimulatedSystem) -> None:
    """Check that queues and stream are empty, and that only poison was set aside."""
    fail = system.scheduler.fail
    if system.compaction_queue.messages:
        fail(Check.DRAINED, f"the queue still holds {sorted(system.compaction_queue.messages)}")
    for number, shard in enumerate(system.shards):
        if shard.behind:
            fail(Check.DRAINED, f"shard {number} is {shard.behind} records behind")
    for message in system.compaction_dlq.messages.values():
        if not is_poison(message.body):
            fail(
                Check.SET_ASIDE,
                f"{message.message_id} was set aside though it can be applied: {message.reason}",
            )
    if len(system.stream_dlq.messages) and not any(
        is_malformed(key) for key in system.observer.past.states
    ):
        fail(Check.SET_ASIDE, "a sound stream record was set aside")


def check_converged(system: SimulatedSystem) -> None:
    """Check with the model that every record equals the projection of the table (I1, I2)."""
    for collection in Collection:
        records = system.observer.publishes.last[collection].records
        for chroma_id, (metadata, document, _) in records.items():
            _check_record(system, chroma_id, metadata, document)
        system.observer.publishes.open_cold(collection)
    _check_vectors(system)


def _check_record(
    system: SimulatedSystem, chroma_id: str, metadata: dict[str, Any], document: str | None
) -> None:
    entity = model.entity_of(chroma_id)
    keys = model.channels(entity)
    for channel, held in model.held(metadata).items():
        item = system.table.items.get(keys[channel])
        wanted = model.expected(channel, entity, item, document)
        if wanted is None:
            system.scheduler.fail(
                Check.CONVERGED, f"{chroma_id} is published, but not in the table"
            )
        elif not model.equal(held, wanted):
            system.scheduler.fail(
                Check.CONVERGED,
                f"{chroma_id} shows {held} in its {channel} part, but should show {wanted}",
            )


def _check_vectors(system: SimulatedSystem) -> None:
    """Check that each record has the newest vector that was sent since the item last appeared."""
    newest = _newest_deltas(system.observer)
    for chroma_id, (collection, delta_id) in newest.items():
        if model.entity_of(chroma_id).key not in system.table.items:
            continue
        record = system.observer.publishes.last[collection].records.get(chroma_id)
        if record is None:
            system.scheduler.fail(
                Check.CONVERGED, f"{chroma_id} has no record, but delta {delta_id} was sent for it"
            )
        elif record[0]["delta_id"] != delta_id:
            system.scheduler.fail(
                Check.CONVERGED,
                f"{chroma_id} has the vector of {record[0]['delta_id']}, not of {delta_id}",
            )


def _newest_deltas(observer: Observer) -> dict[str, tuple[Collection, str]]:
    newest: dict[str, tuple[Collection, str]] = {}
    for delta_id, sent in sorted(observer.deltas.items()):
        for chroma_id in sent.content:
            past = observer.past.states[model.entity_of(chroma_id).key]
            appeared = max((tick for tick, item in past if item is None), default=0)
            if sent.tick > appeared:
                newest[chroma_id] = (sent.collection, delta_id)
    return newest


def check_verified(system: SimulatedSystem, readers: Iterable[FollowingReader]) -> None:
    """Check that `receipt-sync verify` finds no difference in the records that readers see."""
    source = DynamoDBSource(
        system.client("dynamodb"),
        "receipts",
        system.randomness(),
        WatchfulTelemetry(system.scheduler),
    )
    snapshots = {reader.collection: reader.snapshot for reader in readers}
    verdict = Verification(source, snapshots, Clock(system.scheduler), examples=3).run()
    wrong = [f for f in (Finding.DIFFERENT, Finding.UNEXPECTED) if verdict.total(f)]
    if wrong:
        system.scheduler.fail(Check.VERIFIED, f"verify finds {wrong}: {verdict.examples}")
    for collection, counts in verdict.counts.items():
        if counts.version != system.observer.publishes.last[collection].version:
            system.scheduler.fail(
                Check.VERIFIED, f"a reader of {collection} does not see the last version"
            )
