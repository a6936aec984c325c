"""The actions of operators: settings, feature flags, redrives and repairs."""

import json
from typing import Any

from receipt_sync.keys import Collection
from receipt_sync.messages import CHANGE, Delta, to_body
from tests.reliability.simulation.checks.contents import is_malformed, is_poison, kind_of
from tests.reliability.simulation.environment.functions import Slot, drain
from tests.reliability.simulation.environment.s3 import Stored
from tests.reliability.simulation.environment.simulated_system import SimulatedSystem
from tests.reliability.simulation.environment.table import Key
from tests.reliability.simulation.environment.threads import START


class Operators:
    """Performs the events of operators."""

    def __init__(self, system: SimulatedSystem) -> None:
        self._system = system

    def refuse(self, key: Key) -> None:
        """Make the index refuse this record from now on."""
        self._system.refused_ids.add("#".join(key))
        self._system.observer.acknowledgements.refused_ids.add("#".join(key))

    def flags(self, off: str, seconds: float) -> None:
        """Switch a feature flag off for a while. Functions read it at their next cold start."""
        self._system.flags_off.add(off)
        self._system.observer.acknowledgements.flags_ever_off.add(off)
        self._redeploy()
        self._system.scheduler.sleep(seconds)
        self._system.flags_off.discard(off)
        self._redeploy()

    def reconfigure(self, lease: float, retention: float) -> None:
        """Set new settings. Warm processes keep the old ones until they end."""
        system = self._system
        system.lease, system.retention = lease, retention
        kept = system.observer.retention
        kept.shortest = min(kept.shortest, retention)

    def drain(self) -> None:
        """Invoke the function, in another process if an invocation already runs."""
        slots = self._system.drain_slots
        slot = next((one for one in slots if not one.busy), None)
        if slot is None:
            slot = Slot(self._system, "drain", len(slots))
            slots.append(slot)
        drain(slot)

    def damage(self, kind: str, gone: bool, seconds: float) -> None:
        """Remove or damage an object of a snapshot, and restore its content after a while.

        A manifest is only damaged, not removed. A process that has never read it cannot detect its
        absence.
        """
        system = self._system
        key = next((k for k in system.observer.retention.needed_objects() if f"/{kind}" in k), None)
        if key is None:
            return
        sound = system.store.objects[key]
        system.observer.retention.damage_began()
        if gone and kind != "manifest":
            del system.store.objects[key]
        else:
            system.store.overwrite(key, Stored(sound.data[:-7], '"torn"', system.scheduler.now))
        system.scheduler.sleep(seconds)
        present = system.store.objects.get(key)
        if kind == "manifest" and present is not None and present.etag == '"torn"':
            system.store.overwrite(key, sound)
        elif kind != "manifest" and key in system.observer.retention.needed_objects():
            system.store.objects[key] = sound
        system.observer.retention.damage_ended()

    def redrive(self) -> None:
        """Redrive all messages of the dead-letter queue that may succeed now."""
        system = self._system
        system.compaction_dlq.redrive(system.compaction_queue, lambda m: not is_poison(m.body))

    def repair(self) -> None:
        """Send a change for every entity and record, as after a time without the stream."""
        system = self._system
        held = {i for c in Collection for i in system.observer.publishes.last[c].records}
        records = {_key_of(chroma_id) for chroma_id in held}
        keys = {k for k in (*system.table.items, *records) if kind_of(k) and not is_malformed(k)}
        keys |= {(pk, sk[:13] + "#METADATA") for pk, sk in keys}
        for key in sorted(keys):
            present = key in system.table.items
            system.compaction_queue.send(_change(key, system.observer.past.tick, present=present))

    def send_deltas_again(self) -> None:
        """Send every delta again, as after a restore.

        The restore removed the deltas acknowledged since.
        """
        for delta_id, sent in sorted(self._system.observer.deltas.items()):
            body = to_body(Delta.of(sent.collection, delta_id, len(sent.content)))
            self._system.compaction_queue.send(body)

    def _redeploy(self) -> None:
        for slot in (*self._system.slots, *(shard.slot for shard in self._system.shards)):
            slot.cool()


def _change(key: Key, tick: int, *, present: bool) -> str:
    parts = key[1].split("#")
    kind = {"metadata": "RECEIPT_METADATA", "line": "RECEIPT_LINE", "word": "RECEIPT_WORD"}
    entity_type = kind[str(kind_of(key))]
    data: dict[str, Any] = {"image_id": key[0].split("#")[1], "receipt_id": int(parts[1])}
    data |= {f"{n.lower()}_id": int(v) for n, v in zip(parts[2::2], parts[3::2], strict=False)}
    return json.dumps(
        {
            "source": CHANGE, "schema": 1, "entity_type": entity_type,
            "entity_data": {"entity_type": entity_type, **data}, "changes": {},
            "event_name": "INSERT" if present else "REMOVE", "timestamp": START.isoformat(),
            "stream_record_id": "repair", "sequence_number": str(tick), "aws_region": "",
        }
    )  # fmt: skip


def _key_of(chroma_id: str) -> Key:
    image, _, rest = chroma_id.partition("#RECEIPT#")
    return image, f"RECEIPT#{rest}"
