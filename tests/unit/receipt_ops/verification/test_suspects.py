"""Verification of a table that is written to: what lasts is a fault, what is on its way is none."""

from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import count
from random import Random
from typing import Any

from compactor.cycle.projection import Item
from receipt_index.records import Record
from receipt_ops.loading.items import Entity, embedded, entities_of
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.verification.scope import OneImage
from receipt_ops.verification.suspects import FRESHNESS_GOAL_SECONDS, MOST_SUSPECTS, Patience
from receipt_ops.verification.verdict import Finding, Verdict
from receipt_ops.verification.verify import Newer, Verification
from receipt_sync.deadline import Deadline
from receipt_sync.keys import Collection as Name
from receipt_sync.keys import EntityKey
from tests.support.fakes.clock import ManualClock
from tests.unit.receipt_ops.fakes import InMemorySnapshot, ScannedTable, snapshots_of

LAG_SECONDS = 3.0
"""How long the sound compactor of these tests needs."""


class Traffic(ManualClock):
    """A clock at whose ticks changes are written, and published LAG_SECONDS later."""

    def __init__(self, system: "System") -> None:
        super().__init__()
        self.system = system
        self.write: Callable[[float], None] = lambda _: None
        self._published: list[tuple[float, dict[EntityKey, Any]]] = []

    def sleep(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds * 4))):
            super().sleep(0.25)
            self.tick()

    def tick(self) -> None:
        self.write(self.elapsed)
        self._published.append((self.elapsed, dict(self.system.table.items)))
        due = [state for at, state in self._published if at <= self.elapsed - LAG_SECONDS]
        if due:
            self.system.published = due[-1]
            self._published = self._published[len(due) - 1 :]


class System:
    """A table, a compactor that is sound but late, and readers that show what is published."""

    def __init__(self, receipts: int = 6) -> None:
        self.table = ScannedTable()
        for receipt in synthetic_receipts(receipts, Random(1)):
            self.table.load([_marked(entity) for entity in entities_of(receipt)])
        self.published: dict[EntityKey, Any] = dict(self.table.items)
        self.snapshots: dict[Name, InMemorySnapshot] = snapshots_of(self.table)
        self.damage: Callable[[dict[Name, InMemorySnapshot]], None] = lambda _: None
        self.clock = Traffic(self)
        self.is_idle = False
        self.keys = [key for key in self.table.items if key.collection is Name.LINES]

    def edit(self, key: EntityKey, **fields: object) -> None:
        self.table.items[key] = {**self.table.items[key], **fields}

    def refresh(self) -> bool:
        shown = ScannedTable()
        shown.items = dict(self.published)
        fresh = snapshots_of(shown)
        self.damage(fresh)
        changed = any(fresh[name].records != s.records for name, s in self.snapshots.items())
        for name, snapshot in self.snapshots.items():
            snapshot.records = fresh[name].records
            snapshot.version += changed
        return changed

    def verify(
        self,
        goal: float = FRESHNESS_GOAL_SECONDS,
        scope: Any = None,
        newer: Newer = lambda *_: {},
    ) -> Verdict:
        patience = Patience(goal, self.refresh, lambda: self.is_idle)
        self.refresh()
        return Verification(
            self.table,
            self.snapshots,
            self.clock,
            100,
            scope=scope,
            patience=patience,
            newer=newer,
        ).run()


def _marked(entity: Entity) -> Entity:
    return entity if entity.key.collection is None else embedded(entity)


def busy(system: System, keys: list[EntityKey]) -> Callable[[float], None]:
    """One change a quarter of a second, over `keys` in turn."""

    def write(elapsed: float) -> None:
        key = keys[round(elapsed * 4) % len(keys)]
        system.edit(key, confidence=round(elapsed * 4))

    return write


def test_a_sound_compactor_under_traffic_shows_no_fault() -> None:
    system = System()
    system.clock.write = busy(system, system.keys)
    system.clock.sleep(20)
    verdict = system.verify()
    assert verdict.is_equal
    assert verdict.changing == 0
    assert verdict.total(Finding.EQUAL) == sum(s.count() for s in system.snapshots.values())


def test_the_verdict_names_the_version_that_was_looked_at_last() -> None:
    system = System()
    system.published = dict(list(system.table.items.items())[:-6])
    system.refresh()
    verdict = system.verify()
    assert verdict.faults == 0
    for name, counts in verdict.counts.items():
        assert counts.version == system.snapshots[name].version > 1
        assert counts.records == counts.findings[Finding.EQUAL]


def test_without_patience_the_same_traffic_shows_faults() -> None:
    """The control: the traffic of these tests does differ at the first look."""
    system = System()
    system.clock.write = busy(system, system.keys)
    system.clock.sleep(20)
    system.refresh()
    verdict = Verification(system.table, system.snapshots, system.clock, 100).run()
    assert verdict.total(Finding.DIFFERENT) > 0


def test_faults_in_the_same_traffic_are_all_found_and_nothing_else() -> None:
    system = System()
    written, (lost, wrong) = system.keys[:-2], system.keys[-2:]
    stranger = EntityKey(lost.image_id, 1, 90_000).chroma_id

    def damage(fresh: dict[Name, InMemorySnapshot]) -> None:
        lines = fresh[Name.LINES]
        lines.records.pop(lost.chroma_id, None)
        lines.change(wrong.chroma_id, text="tampered")
        lines.put(stranger, {}, "x")

    system.damage = damage
    system.clock.write = busy(system, written)
    system.clock.sleep(20)
    verdict = system.verify()
    found = {(example.finding.value, example.id) for example in verdict.examples}
    assert found == {
        ("missing", lost.chroma_id),
        ("different", wrong.chroma_id),
        ("unexpected", stranger),
    }
    assert system.clock.elapsed < 20 + 2 * FRESHNESS_GOAL_SECONDS


def test_a_fault_in_a_field_is_found_though_another_field_changes_all_the_time() -> None:
    system = System()
    hot = system.keys[3]

    def damage(fresh: dict[Name, InMemorySnapshot]) -> None:
        fresh[Name.LINES].change(hot.chroma_id, text="tampered")

    system.damage = damage
    system.clock.write = busy(system, [hot])
    system.clock.sleep(20)
    (example,) = system.verify().examples
    assert (example.id, set(example.fields)) == (hot.chroma_id, {"text"})


def test_a_record_that_is_wrong_in_another_field_at_each_look_is_a_fault() -> None:
    """Its item stands still, so nothing is on its way that could explain the differences."""
    system = System()
    wrong, others = system.keys[3], system.keys[4:]
    looks = count()

    def damage(fresh: dict[Name, InMemorySnapshot]) -> None:
        field = ("text", "confidence")[next(looks) % 2]
        fresh[Name.LINES].change(wrong.chroma_id, **{field: "tampered"})

    system.damage = damage
    system.clock.write = busy(system, others)
    system.clock.sleep(20)
    verdict = system.verify()
    assert [example.id for example in verdict.examples] == [wrong.chroma_id]
    assert verdict.changing == 0
    assert system.clock.elapsed < 20 + 2 * FRESHNESS_GOAL_SECONDS


def test_a_record_that_is_missing_and_wrong_in_turns_is_a_fault() -> None:
    system = System()
    wrong, others = system.keys[3], system.keys[4:]
    looks = count()

    def damage(fresh: dict[Name, InMemorySnapshot]) -> None:
        if next(looks) % 2:
            fresh[Name.LINES].change(wrong.chroma_id, text="tampered")
        else:
            del fresh[Name.LINES].records[wrong.chroma_id]

    system.damage = damage
    system.clock.write = busy(system, others)
    system.clock.sleep(20)
    verdict = system.verify()
    assert [example.id for example in verdict.examples] == [wrong.chroma_id]
    assert verdict.changing == 0


def test_a_record_whose_vector_is_replaced_all_the_time_is_no_fault() -> None:
    """A new delta at each look: the compactor is behind it, and the item stands still."""
    system = System()
    busy_one = system.keys[3]
    ids = count(1)
    system.clock.write = busy(system, system.keys[4:])
    system.clock.sleep(20)

    def newer(_: Name, held: Mapping[str, str]) -> dict[str, str]:
        return {i: f"{next(ids):026d}" for i in held if i == busy_one.chroma_id}

    verdict = system.verify(goal=20, newer=newer)
    assert verdict.is_equal
    assert verdict.changing == 1


def test_an_item_that_changes_all_the_time_is_undecided_and_no_fault() -> None:
    system = System()
    system.clock.write = busy(system, [system.keys[3]])
    system.clock.sleep(20)
    verdict = system.verify(goal=20)
    assert verdict.is_equal
    assert verdict.changing == 1
    assert system.clock.elapsed < 20 + 5 * 20


def test_on_a_quiet_system_a_fault_is_reported_long_before_the_goal() -> None:
    system = System()
    system.is_idle = True

    def damage(fresh: dict[Name, InMemorySnapshot]) -> None:
        fresh[Name.LINES].change(system.keys[0].chroma_id, text="tampered")

    system.damage = damage
    verdict = system.verify()
    assert verdict.total(Finding.DIFFERENT) == 1
    assert system.clock.elapsed <= 20


def test_a_quiet_system_without_a_fault_is_not_waited_for() -> None:
    system = System()
    assert system.verify().is_equal
    assert system.clock.elapsed == 0


def test_a_record_that_is_deleted_while_the_verification_runs_is_no_fault() -> None:
    system = System()
    gone = system.keys[0]
    del system.table.items[gone]
    verdict = system.verify()
    assert verdict.is_equal
    assert gone.chroma_id not in system.snapshots[Name.LINES].records


class LiveServer(InMemorySnapshot):
    """A server's collection: what is written to it shows at once."""

    def __init__(self) -> None:
        super().__init__()
        self.is_fixed = False


class Arriving(ScannedTable):
    """Receipts that arrive, and are compacted, while the table is scanned."""

    def __init__(self, server: LiveServer, arrivals: int) -> None:
        super().__init__()
        self._server, self._arrivals = server, arrivals

    def scan(self, deadline: Deadline) -> Iterator[tuple[EntityKey, Item]]:
        yield from list(self.items.items())
        for number in range(self._arrivals):
            key = EntityKey(f"new{number}", 1, 1)
            self.items[key] = {"text": "x"}
            self._server.records |= snapshots_of(self)[Name.LINES].records
            yield key, self.items[key]

    def get(self, keys: Collection[EntityKey], deadline: Deadline) -> dict[EntityKey, Item | None]:
        return {key: self.items.get(key) for key in keys}


def test_unexpected_records_of_a_live_server_are_found_however_many_arrive() -> None:
    """The count of a collection that changes proves nothing (defect `verify_server_live`)."""
    for arrivals in (0, 30, 60):
        server, words = LiveServer(), InMemorySnapshot()
        table = Arriving(server, arrivals)
        for number in range(50):
            table.items[EntityKey(f"a{number}", 1, 1)] = {"text": "x"}
        server.records = dict(snapshots_of(table)[Name.LINES].records)
        for number in range(1, 31):
            chroma_id = EntityKey("deleted", 1, number).chroma_id
            server.records[chroma_id] = Record(chroma_id, {}, "x")
        words.version = 0
        verdict = Verification(
            table, {Name.LINES: server, Name.WORDS: words}, ManualClock(), 0
        ).run()
        assert verdict.total(Finding.UNEXPECTED) == 30, arrivals
        assert not verdict.is_equal


def test_more_suspects_than_fit_are_counted_at_once_and_the_verdict_says_so() -> None:
    system = System(receipts=2)
    every = len(system.keys)
    assert every < MOST_SUSPECTS
    system.is_idle = True

    def damage(fresh: dict[Name, InMemorySnapshot]) -> None:
        for key in system.keys:
            fresh[Name.LINES].change(key.chroma_id, text="tampered")

    system.damage = damage
    verdict = _with_room_for(3, system.verify)
    assert verdict.total(Finding.DIFFERENT) == every
    assert verdict.unchecked == every - 3


def _with_room_for(suspects: int, verify: Callable[[], Verdict]) -> Verdict:
    import receipt_ops.verification.suspects as module

    before = module.MOST_SUSPECTS
    module.MOST_SUSPECTS = suspects  # type: ignore[misc]
    try:
        return verify()
    finally:
        module.MOST_SUSPECTS = before  # type: ignore[misc]


def test_an_empty_selection_is_not_reported_as_one_that_agrees() -> None:
    from tests.unit.receipt_ops.verification.test_scope import InMemoryPages

    system = System()
    pages: Any = InMemoryPages(system.table)
    assert system.verify(scope=OneImage(pages, "nonsense")).is_empty
    assert not system.verify(scope=OneImage(pages, system.keys[0].image_id)).is_empty
