"""Edits, and what tries a deployed system out, against a system in memory."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from random import Random
from typing import Any, cast

import numpy as np
import pytest
from botocore.exceptions import ClientError

from receipt_index.records import Record
from receipt_ops.loading.embedding import embed
from receipt_ops.loading.items import Entity, entities_of
from receipt_ops.loading.load import load
from receipt_ops.loading.receipts import Line, Receipt
from receipt_ops.loading.synthetic import synthetic_receipts
from receipt_ops.probes import wiring
from receipt_ops.probes.dynamodb_editor import TableEditor
from receipt_ops.probes.editing import Edit, Editor, Kind, apply, edits
from receipt_ops.probes.latency import measure
from receipt_ops.probes.room import TooManyReceiptsError, check_room
from receipt_ops.probes.smoke import MERCHANT, smoke, smoke_receipt
from receipt_ops.probes.stress import Stress
from receipt_ops.probes.subject import FittedSender, Tools, delete, fit, temporary_receipts
from receipt_ops.repair.guard import DeleteLimit
from receipt_ops.verification.settling import Backlog
from receipt_ops.visibility import NotVisibleError, Watcher, holds, is_gone
from receipt_sync.keys import Collection, EntityKey
from receipt_sync.messages import Delta
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.system import line, metadata
from tests.unit.receipt_ops.fakes import RecordingSender, RecordingWriter

RECEIPT = Receipt(receipt="r", company="C", lines=(Line(text="A B", box=(0, 0, 9, 9)),))


class System:
    """Writes are published after some looks of a watcher; then they are seen by all."""

    def __init__(self, looks: int = 2) -> None:
        self.items: dict[EntityKey, dict[str, Any]] = {}
        self.published: dict[EntityKey, dict[str, Any]] = {}
        self.version = 1
        self._looks, self._left = looks, looks
        self.clock = ManualClock()
        self.fails = False

    def refresh(self) -> bool:
        self._left -= 1
        if self._left > 0:
            return False
        self._left = self._looks
        self.published = {key: dict(item) for key, item in self.items.items()}
        return True

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        by_id = {key.chroma_id: key for key in self.published if key.collection is not None}
        return {i: self._record(by_id[i]) for i in ids if i in by_id}

    def _record(self, key: EntityKey) -> Record:
        merchant = self.published.get(key.metadata, {}).get("merchant_name")
        return Record(key.chroma_id, {**self.published[key], "merchant_name": merchant}, "")

    def put(self, entities: Sequence[Entity]) -> None:
        self.items |= {entity.key: dict(entity.fields) for entity in entities}

    def delete(self, keys: Any) -> bool:
        wanted = [keys] if isinstance(keys, EntityKey) else keys
        there = [self.items.pop(key, None) for key in wanted]
        return any(item is not None for item in there)

    def update(self, key: EntityKey, fields: Mapping[str, Any]) -> bool:
        if self.fails:
            raise ZeroDivisionError
        if key not in self.items:
            return False
        self.items[key] |= fields
        return True


class Sender:
    def put(
        self, collection: Collection, keys: Sequence[EntityKey], vectors: Any, texts: Sequence[str]
    ) -> Delta:
        return Delta.of(collection, "0" * 26, len(keys))

    def send(self, deltas: Sequence[Delta]) -> None:
        pass


def tools(system: System, patience: float = 10) -> Tools:
    watcher = Watcher(dict.fromkeys(Collection, system), system.clock, patience)
    sender: Any = Sender()
    any_system: Any = system
    return Tools(any_system, sender, any_system, watcher, embed)


def test_a_smoke_test_times_every_step_and_leaves_nothing() -> None:
    system, seen = System(), list[str]()
    timings = smoke(tools(system), "smoke-1", system.clock, seen.append)
    assert [timing.step for timing in timings] == ["insert", "rename", "delete"]
    assert all(timing.seconds > 0 for timing in timings)
    assert system.items == {}
    assert len(seen) == 3


def test_a_smoke_test_that_fails_in_the_middle_cleans_up_all_the_same() -> None:
    system = System()
    system.fails = True
    with pytest.raises(ZeroDivisionError):
        smoke(tools(system), "smoke-1", system.clock)
    assert system.items == {}


def test_a_change_that_readers_never_see_is_an_error_in_time() -> None:
    system = System(looks=10_000)
    with pytest.raises(NotVisibleError, match="not visible to readers within 10 s"):
        smoke(tools(system), "smoke-1", system.clock)
    assert 10 <= system.clock.elapsed < 12
    assert system.items == {}


def test_latency_waits_for_each_change_before_the_next() -> None:
    system, seen = System(looks=3), list[float]()
    found = measure(tools(system), "latency-1", 4, system.clock, seen.append)
    assert found == seen
    assert len(found) == 4
    assert all(0 < seconds < 1 for seconds in found)
    assert system.items == {}


def test_records_that_stay_after_a_trial_are_an_error() -> None:
    system = System()

    def stays() -> None:
        with temporary_receipts(tools(system), [RECEIPT]) as subject:
            tools(system).watcher.until(subject.records, holds({}), "it")
            system._left = 10_000

    with pytest.raises(NotVisibleError, match="the deletion"):
        stays()


def test_much_is_deleted_in_portions_each_gone_before_the_next() -> None:
    system = System(looks=1)
    keys = [line(n) for n in range(1, 1_201)]
    system.items = {key: {} for key in keys}
    system.refresh()
    seen: list[int] = []
    any_system: Any = system
    delete(any_system, tools(system).watcher, keys, lambda _: seen.append(len(system.published)))
    assert seen == [700, 200, 0]


def test_what_a_watcher_sees_is_every_field_and_absence() -> None:
    record = Record("x", {"a": 1, "b": 2}, "")
    assert holds({"a": 1})(record)
    assert not holds({"a": 1, "b": 3})(record)
    assert not holds({})(None)
    assert (is_gone(None), is_gone(record)) == (True, False)


@pytest.mark.parametrize(
    ("dimension", "expected"), [(None, 384), (384, 384), (7, 7), (1_000, 1_000)]
)
def test_vectors_of_a_trial_have_the_collections_dimension(
    dimension: int | None, expected: int
) -> None:
    vectors = fit(embed(["a", "b"]), dimension)
    assert vectors.shape == (2, expected)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()


def test_each_collection_gets_vectors_of_its_own_dimension() -> None:
    log: list[tuple[str, Any]] = []
    dimensions = {Collection.LINES: 1536, Collection.WORDS: 384}
    load([RECEIPT], RecordingWriter([]), FittedSender(RecordingSender(log), dimensions), embed,
         lambda *_: None)  # fmt: skip
    sent = {put[0]: put[2].shape[1] for what, put in log if what == "delta"}
    assert sent == dimensions


def entities() -> list[Entity]:
    return [
        entity for receipt in synthetic_receipts(3, Random(1)) for entity in entities_of(receipt)
    ]


def test_edits_are_of_every_kind_and_the_same_for_the_same_seed() -> None:
    made = list(islice(edits(entities(), Random(5)), 300))
    assert {edit.kind for edit in made} == set(Kind)
    assert made == list(islice(edits(entities(), Random(5)), 300))
    kinds = Counter(edit.kind for edit in made)
    assert kinds[Kind.WORD] > kinds[Kind.DELETE]


def test_only_kinds_that_are_asked_for_and_possible_are_made() -> None:
    made = islice(edits(entities(), Random(5), {Kind.MERCHANT: 1}), 20)
    assert {edit.kind for edit in made} == {Kind.MERCHANT}
    assert list(edits([], Random(1))) == []


def test_an_edit_is_an_update_or_a_deletion() -> None:
    system = System()
    system.items = {line(1): {"text": "a"}}
    assert apply(system, Edit(Kind.LINE, line(1), {"text": "b"}))
    assert not apply(system, Edit(Kind.LINE, line(2), {"text": "b"}))
    assert system.items == {line(1): {"text": "b"}}
    assert apply(system, Edit(Kind.DELETE, line(1), None))
    assert not apply(system, Edit(Kind.DELETE, line(1), None)), "it is gone already"
    assert system.items == {}


class Table:
    """A DynamoDB client that refuses an update of what is not there."""

    class exceptions:  # noqa: N801 as boto3 calls it
        class ConditionalCheckFailedException(ClientError):  # noqa: N818
            pass

    def __init__(self, *, there: bool = True) -> None:
        self.there = there
        self.asked: dict[str, Any] = {}

    def update_item(self, **arguments: Any) -> None:
        self.asked = arguments
        if not self.there:
            error = self.exceptions.ConditionalCheckFailedException
            raise error({"Error": {"Code": "ConditionalCheckFailedException"}}, "UpdateItem")


def test_an_update_sets_fields_of_an_item_that_exists_and_makes_none() -> None:
    client: Any = Table()
    assert TableEditor(client, "t").update(metadata(), {"merchant_name": "M", "total": 1})
    assert client.asked["UpdateExpression"] == "SET #f0 = :v0, #f1 = :v1"
    assert client.asked["ConditionExpression"] == "attribute_exists(PK)"
    assert client.asked["ExpressionAttributeValues"] == {":v0": {"S": "M"}, ":v1": {"N": "1"}}
    gone: Any = Table(there=False)
    assert not TableEditor(gone, "t").update(metadata(), {"a": 1})


class PacedClock(ManualClock):
    """Every look at it takes a little, as in a real run."""

    def monotonic(self) -> float:
        self.elapsed += 0.0001
        return self.elapsed


def stress(update: Callable[..., bool], rate: float, seconds: float, kind: Kind = Kind.LINE) -> Any:
    class Editor:
        def update(self, key: EntityKey, fields: Mapping[str, Any]) -> bool:
            return update(key, fields)

        def delete(self, key: EntityKey) -> bool:
            return update(key, {})

    waiting = iter(range(5, 1_000))
    made = edits(entities(), Random(1), {kind: 1})
    run = Stress(Editor(), lambda: Backlog(next(waiting), 1), PacedClock())
    return run.run(made, rate, seconds)


def test_stress_keeps_its_rate_and_looks_at_the_backlog() -> None:
    report = stress(lambda *_: True, rate=50, seconds=4)
    assert (report.written, report.missed) == (200, 0)
    assert report.achieved == pytest.approx(50, rel=0.05)
    assert len(report.backlog) >= 4
    assert report.most_waiting == report.backlog[-1][1]
    assert report.to_json()["changes"] == {"line edited": 200}


def test_edits_of_what_is_gone_are_counted_apart_and_an_error_ends_it() -> None:
    assert stress(lambda *_: False, rate=20, seconds=1).missed == 20
    report = stress(lambda *_: False, rate=20, seconds=1, kind=Kind.DELETE)
    assert (report.written, report.missed) == (0, 20), "a deletion of what is gone writes nothing"

    def fail(*_: Any) -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stress(fail, rate=20, seconds=1)


def counted(taken: list[int]) -> Iterator[Edit]:
    """Yield edits, and count in `taken` how many the stress test has taken."""
    for edit in edits(entities(), Random(1), {Kind.LINE: 1}):
        taken[0] += 1
        yield edit


def test_a_stress_test_that_falls_behind_holds_few_edits_back() -> None:
    taken = [0]
    ahead: list[int] = []

    class Slow:
        def update(self, *_: Any) -> bool:
            ahead.append(taken[0] - len(ahead))
            time.sleep(0.002)
            return True

    run = Stress(cast("Editor", Slow()), lambda: Backlog(0, 0), PacedClock())
    report = run.run(counted(taken), 2_000, 1)
    assert report.written == 2_000
    assert max(ahead) <= 200


def test_a_stress_test_ends_at_a_write_that_fails() -> None:
    taken = [0]

    class Failing:
        def update(self, *_: Any) -> bool:
            raise ZeroDivisionError

    run = Stress(cast("Editor", Failing()), lambda: Backlog(0, 0), PacedClock())
    with pytest.raises(ZeroDivisionError):
        run.run(counted(taken), 1_000, 5)
    assert taken[0] <= 200


@pytest.mark.parametrize(
    ("receipts", "records", "refused"),
    [(1, 0, False), (10, 0, False), (40, 0, True), (40, 100_000, False)],
)
def test_more_test_receipts_than_the_delete_guard_lets_go_are_refused(
    receipts: int, records: int, refused: bool
) -> None:
    made = synthetic_receipts(receipts, Random(1))
    keys = [entity.key for receipt in made for entity in entities_of(receipt)]
    counts = {name: records + sum(key.collection is name for key in keys) for name in Collection}
    expected: AbstractContextManager[Any] = nullcontext()
    if refused:
        expected = pytest.raises(TooManyReceiptsError, match="fewer receipts")
    with expected:
        check_room(keys, counts, DeleteLimit(0.1, 1_000))


def test_the_limits_are_those_of_the_deployed_compactor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults were used, so the receipts of a probe stayed in the index."""
    keys = [entity.key for entity in entities_of(smoke_receipt("smoke-1"))]
    nothing: dict[Collection, None] = dict.fromkeys(Collection)
    monkeypatch.setattr(wiring, "present_versions", lambda _: nothing)
    connection: Any = None
    monkeypatch.setattr(wiring, "compactor_limit", lambda _: DeleteLimit(0.001, 1))
    wiring.check_deletable(connection, keys)
    monkeypatch.setattr(wiring, "compactor_limit", lambda _: DeleteLimit(0.001, 0))
    with pytest.raises(TooManyReceiptsError, match="deletes at most 0 of 1 records"):
        wiring.check_deletable(connection, keys)


def test_the_merchant_of_the_smoke_test_is_seen_on_its_records() -> None:
    system = System(looks=1)
    with temporary_receipts(tools(system), [RECEIPT]) as subject:
        system.update(subject.metadata, {"merchant_name": MERCHANT})
        seen = holds({"merchant_name": MERCHANT})
        assert tools(system).watcher.until(subject.records, seen, "it") > 0


class Impatient(System):
    """A system at which the operator presses Ctrl-C after the first portion was deleted."""

    def __init__(self) -> None:
        super().__init__(looks=1)
        self.deletions = 0

    def delete(self, keys: Any) -> bool:
        self.deletions += 1
        return super().delete(keys)

    def refresh(self) -> bool:
        if self.deletions == 1:
            raise KeyboardInterrupt
        return super().refresh()


@pytest.mark.parametrize("fails", [True, False])
def test_ctrl_c_while_test_receipts_are_deleted_leaves_none_of_them(*, fails: bool) -> None:
    system = Impatient()
    receipts = list(synthetic_receipts(60, Random(1)))

    def trial() -> None:
        with temporary_receipts(tools(system), receipts) as subject:
            assert len(subject.entities) > 1_000
            system.refresh()
            if fails:
                raise ZeroDivisionError

    with pytest.raises(KeyboardInterrupt):
        trial()
    assert system.items == {}
