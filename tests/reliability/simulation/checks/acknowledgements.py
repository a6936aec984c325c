"""Checks that no message is acknowledged before it is published or set aside (I2)."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from receipt_sync.keys import Collection
from tests.reliability.simulation.checks import model
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.checks.contents import (
    RELEVANT,
    change_key,
    changes_in,
    is_malformed,
    is_of,
    is_poison,
    kind_of,
)
from tests.reliability.simulation.checks.past import Past
from tests.reliability.simulation.checks.publishes import Publishes, Record
from tests.reliability.simulation.environment.deltas import Sent
from tests.reliability.simulation.environment.queues import Message
from tests.reliability.simulation.environment.scheduler import Scheduler
from tests.reliability.simulation.environment.table import Key, StreamRecord
from tests.reliability.simulation.workload.script import SECRET


class Accepted(NamedTuple):
    """A change that the queue accepted."""

    sequence: int
    event: str
    fields: frozenset[str]


class Acknowledgements:
    """Watches the messages that the queues accept and delete, and the position of the stream."""

    def __init__(
        self, scheduler: Scheduler, past: Past, deltas: dict[str, Sent], publishes: Publishes
    ) -> None:
        self._past, self._deltas, self._publishes = past, deltas, publishes
        self._fail = scheduler.fail
        self._parked: list[str] = []
        """Bodies of all messages that were set aside with a reason."""
        self.flags_ever_off: set[str] = set()
        self.refused_ids: set[str] = set()
        """Records that the index has refused at some time."""
        self.deadly: set[str] = set()
        """Ids of the deltas whose vectors kill each worker that writes them."""
        self._accepted: dict[Key, list[Accepted]] = defaultdict(list)

    def on_accept(self, message: Message) -> None:
        """Record the changes of a message that the compaction queue accepted."""
        for change in changes_in(message.body):
            self._accepted[change_key(change)].append(
                Accepted(
                    int(change["sequence_number"]),
                    str(change["event_name"]),
                    frozenset(change["changes"]),
                )
            )

    def on_dead_letter(self, message: Message) -> None:
        """Check a message that the compactor's dead-letter queue accepted.

        It has a reason if the compactor parked it.
        """
        if not self._may_be_set_aside(message):
            self._fail(
                Check.SET_ASIDE,
                f"{message.message_id} was set aside though it can be applied: "
                f"{message.reason or 'it was received too often'}",
            )
        self.on_parked(message)

    def on_parked(self, message: Message) -> None:
        """Record a message that a dead-letter queue accepted."""
        if message.reason is not None:
            self._parked.append(message.body)
            if SECRET in message.reason:
                self._fail(
                    Check.RECEIPT_TEXT, "a reason in a dead-letter queue quotes receipt text"
                )

    def _may_be_set_aside(self, message: Message) -> bool:
        """Return whether a message is poison or deadly, or is parked for a refused record."""
        if is_poison(message.body) or any(delta in message.body for delta in self.deadly):
            return True
        refused = set(self.refused_ids)
        return message.reason is not None and not refused.isdisjoint(self._concerned(message.body))

    def _concerned(self, body: str) -> set[str]:
        """Return the records of `refused_ids` that the cycle of a message writes to."""
        content = json.loads(body)
        if content["source"] == "embedding_delta":
            return set(self._deltas[content["delta_id"]].content)
        changed = {change_key(change) for change in changes_in(body)}
        return {
            chroma_id
            for chroma_id in self.refused_ids
            if changed.intersection(model.channels(model.entity_of(chroma_id)).values())
        }

    def on_stream_passed(self, record: StreamRecord) -> None:
        """Check that a stream record was queued or set aside before the position passed it."""
        if is_malformed(record.key):
            if not any(f'"r{record.tick}"' in body for body in self._parked):
                self._fail(
                    Check.STREAM_POSITION,
                    f"the malformed stream record {record.tick} was not parked",
                )
            return
        kind = kind_of(record.key)
        if kind is None or kind in self.flags_ever_off:
            return
        old, new = record.old or {}, record.new or {}
        fields = {name for name in RELEVANT[kind] if old.get(name) != new.get(name)}
        whole = record.old is None or record.new is None
        if (fields or whole) and not self._was_accepted(record, fields, whole=whole):
            self._fail(
                Check.STREAM_POSITION,
                f"stream record {record.tick} was passed, but not all of it was queued",
            )

    def _was_accepted(self, record: StreamRecord, fields: set[str], *, whole: bool) -> bool:
        for accepted in self._accepted[record.key]:
            if accepted.sequence < record.tick:
                continue
            if accepted.event != "MODIFY" or (not whole and fields <= accepted.fields):
                return True
        return False

    def on_acknowledge(self, message: Message) -> None:
        """Check that a message's effect is published, or that it is set aside with a reason."""
        if is_poison(message.body):
            if not any(is_poison(body) for body in self._parked):
                self._fail(
                    Check.ACKNOWLEDGED, f"{message.message_id} is poison, and was not set aside"
                )
            return
        content = json.loads(message.body)
        if content["source"] == "embedding_delta":
            self._check_delta_applied(content["delta_id"], message.received_at)
            return
        for change in changes_in(message.body):
            self._check_change_applied(change, message.received_at)

    def _restored_since(self, collection: Collection, moment: float) -> bool:
        """Return whether a restore may have removed the effect of a message since `moment`."""
        return self._publishes.restored_at[collection] >= moment

    def _check_delta_applied(self, delta_id: str, received_at: float) -> None:
        if any(delta_id in body for body in self._parked):
            return
        sent = self._deltas[delta_id]
        if self._restored_since(sent.collection, received_at):
            return
        records = self._publishes.last[sent.collection].records
        for chroma_id in sent.content:
            record = records.get(chroma_id)
            if record is not None and str(record[0]["delta_id"]) >= delta_id:
                continue
            if not self._past.was_absent(chroma_id, sent.tick):
                self._fail(
                    Check.ACKNOWLEDGED,
                    f"delta {delta_id} was acknowledged, but {chroma_id} has not its vector",
                )

    def _check_change_applied(self, change: Mapping[str, Any], received_at: float) -> None:
        key, tick = change_key(change), int(change["sequence_number"])
        if any(is_of(key, body) for body in self._parked):
            return
        for collection in Collection:
            if self._restored_since(collection, received_at):
                continue
            for chroma_id, record in self._publishes.last[collection].records.items():
                entity = model.entity_of(chroma_id)
                if entity.key != key and self._past.was_absent(chroma_id, tick):
                    continue  # Its own change comes later.
                concerned = [c for c, k in model.channels(entity).items() if k == key]
                for channel in concerned:
                    self._check_channel(chroma_id, channel, record, change, tick)

    def _check_channel(
        self, chroma_id: str, channel: str, record: Record, change: Mapping[str, Any], tick: int
    ) -> None:
        in_context = channel in {"previous", "next"}
        if in_context and change["event_name"] == "MODIFY" and "text" not in change["changes"]:
            return
        held = model.held(record[0])[channel]
        if not self._past.shows(chroma_id, channel, held, record[1], tick):
            self._fail(
                Check.ACKNOWLEDGED,
                f"change {tick} of {change_key(change)} was acknowledged, but {chroma_id} shows an "
                f"earlier state in its {channel} part",
            )
