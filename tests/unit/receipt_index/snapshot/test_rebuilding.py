"""Rebuilds of an index before its publish, with the snapshot's objects in memory."""

import errno
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from receipt_index.records import NewVector
from receipt_index.snapshot.copies import rebuilding as module
from receipt_index.snapshot.copies.generation import BATCH, compare, fill
from receipt_index.snapshot.copies.progress import ignore_progress
from receipt_index.snapshot.copies.rebasing import without_limit
from receipt_index.snapshot.copies.rebuilding import RETRY_AFTER, RebuildSettings
from receipt_index.snapshot.copies.working_copy import CopySettings, Published, WorkingCopy
from receipt_index.snapshot.format.compression import digest_of
from receipt_index.snapshot.format.manifest import Manifest, block_name, read_manifest
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    IndexFailedError,
    IndexUnavailableError,
    PublishRefusedError,
    ReadBackError,
)
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.graph_index import GraphIndex
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.unit.receipt_index.snapshot.setting import RETENTION

MOST = 1_000
Insert = Callable[[GraphIndex, Sequence[NewVector]], None]


class Setting:
    def __init__(self, root: Path) -> None:
        self.root, self.store, self.clock = root, InMemorySnapshotStore(), ManualClock()

    def copy(
        self,
        writer: str,
        free_memory: Callable[[], int] = without_limit,
        rebuild: RebuildSettings | None = None,
    ) -> WorkingCopy:
        return WorkingCopy(
            self.store,
            Collection.LINES,
            self.root / writer,
            GraphIndex,
            self.clock,
            CopySettings(writer, RETENTION, free_memory, rebuild or RebuildSettings()),
        )

    def manifest(self) -> Manifest:
        assert self.store.data is not None
        return read_manifest(self.store.data, Collection.LINES)


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def record(number: int, value: float = 0.5) -> NewVector:
    vector = np.array([number + 1, 1], np.float32)
    return NewVector(f"id-{number:05d}", vector, f"text {number}", {"n": number, "x": value})


def publish(
    copy: WorkingCopy, added: range, deleted: range = range(0), deadline: Deadline | None = None
) -> Published:
    index = copy.checkout(deadline)
    copy.mark_dirty()
    index.delete([record(n).id for n in deleted])
    index.insert([record(n) for n in added])
    return copy.publish(index.count())


def bloated(copy: WorkingCopy, deadline: Deadline | None = None) -> Published:
    """Publish MOST records whose index then has more than 1.5 elements a record."""
    publish(copy, range(MOST))
    return publish(copy, range(600), range(600), deadline)


def content(copy: WorkingCopy) -> dict[str, tuple[object, object, list[float]]]:
    index = copy.checkout()
    ids = list(index.ids())
    vectors = index.vectors(ids)
    return {
        i: (dict(r.metadata), r.document, vectors[i].tolist()) for i, r in index.get(ids).items()
    }


def test_an_index_of_many_deleted_elements_is_rebuilt_and_is_the_new_base(setting: Setting) -> None:
    one, other = setting.copy("one"), setting.copy("other")
    publish(one, range(MOST))
    before = content(one)
    published = publish(one, range(600), range(600))
    assert published.rebuilt == (MOST, MOST + 600)
    assert published.rebuild_postponed is None
    manifest = setting.manifest()
    assert (manifest.version, manifest.packs, manifest.elements) == (2, (), MOST)
    assert content(one) == content(other) == before
    assert not (setting.root / "one" / "generation").exists()
    assert publish(one, range(MOST, MOST + 1)).version == 3
    assert len(content(other)) == MOST + 1


@pytest.mark.parametrize(
    ("records", "again"), [(MOST, 500), (600, 399)], ids=["at the share", "below the floor"]
)
def test_an_index_of_few_deleted_elements_stays(setting: Setting, records: int, again: int) -> None:
    copy = setting.copy("one")
    publish(copy, range(records))
    published = publish(copy, range(again), range(again))
    assert (published.rebuilt, published.rebuild_postponed) == (None, None)
    assert setting.manifest().elements == records + again


def test_an_emptied_index_stays_and_with_it_its_dimension(setting: Setting) -> None:
    """A new generation without a record takes vectors of any dimension."""
    copy = setting.copy("one")
    publish(copy, range(MOST))
    published = publish(copy, range(0), range(MOST), Deadline(setting.clock, 60.0))
    assert content(setting.copy("other")) == {}
    assert (published.rebuilt, published.rebuild_postponed) == (None, None)
    assert setting.manifest().elements == MOST
    assert publish(copy, range(1)).rebuilt == (1, MOST + 1)


@pytest.mark.parametrize("lacks", ["s", "of memory", "of disk"])
def test_a_rebuild_without_room_waits_and_the_publish_does_not(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, lacks: str
) -> None:
    deadline = Deadline(setting.clock, 5.0) if lacks == "s" else None
    copy = setting.copy("one", (lambda: 0) if lacks == "of memory" else without_limit)
    if lacks == "of disk":
        full = SimpleNamespace(
            rmtree=shutil.rmtree, disk_usage=lambda _: SimpleNamespace(free=1_000)
        )
        monkeypatch.setattr(module, "shutil", full)
    published = bloated(copy, deadline)
    assert published.rebuilt is None
    assert published.rebuild_postponed is not None
    assert f"{lacks}, but " in published.rebuild_postponed
    assert published.version == 2
    assert setting.manifest().elements == MOST + 600


@pytest.mark.parametrize(("spare", "made"), [(0, True), (-1, False)])
def test_a_rebuild_needs_the_disk_of_two_more_copies(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, spare: int, made: bool
) -> None:
    """One is the new generation. The other is the mirror's copy of it for the new base."""

    def disk_usage(folder: Path) -> SimpleNamespace:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        return SimpleNamespace(free=2 * size + spare)

    limited = SimpleNamespace(rmtree=shutil.rmtree, disk_usage=disk_usage)
    monkeypatch.setattr(module, "shutil", limited)
    published = bloated(setting.copy("one"))
    assert (published.rebuilt is not None) is made


def _refused(index: GraphIndex, records: Sequence[NewVector]) -> None:
    raise IndexFailedError("Chroma's add failed: InternalError")


def _full(index: GraphIndex, records: Sequence[NewVector]) -> None:
    raise OSError(errno.ENOSPC, "no space left on device")


def _without_the_last(index: GraphIndex, records: Sequence[NewVector]) -> None:
    if len(records) == BATCH:
        _insert(index, records)


_insert: Insert = GraphIndex.insert


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (_refused, "IndexFailedError"),
        (_full, "OSError"),
        (_without_the_last, "ReadBackError"),
    ],
)
def test_a_failed_rebuild_fails_no_publish_and_is_tried_again_later(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, fault: Insert, kind: str
) -> None:
    copy = setting.copy("one")

    def insert(index: GraphIndex, records: Sequence[NewVector]) -> None:
        is_generation = "generation" in str(index._records)
        (fault if is_generation else _insert)(index, records)

    monkeypatch.setattr(GraphIndex, "insert", insert)
    published = bloated(copy)
    assert published.version == 2
    assert published.rebuild_postponed == f"a rebuild failed: {kind}"
    assert not (setting.root / "one" / "generation").exists()
    monkeypatch.setattr(GraphIndex, "insert", _insert)
    assert publish(copy, range(MOST, MOST + 1)).rebuild_postponed == f"a rebuild failed: {kind}"
    setting.clock.advance(RETRY_AFTER)
    assert publish(copy, range(MOST + 1, MOST + 2)).rebuilt is not None
    assert len(content(setting.copy("other"))) == MOST + 2


def test_a_rebuild_that_takes_too_long_is_given_up_in_time(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = setting.copy("one")

    def slow(index: GraphIndex, records: Sequence[NewVector]) -> None:
        if "generation" in str(index._records):
            setting.clock.advance(100.0)
        _insert(index, records)

    monkeypatch.setattr(GraphIndex, "insert", slow)
    published = bloated(copy, Deadline(setting.clock, 105.0))
    assert published.rebuild_postponed == "a rebuild took longer than expected"
    assert published.version == 2


def test_of_two_workers_that_rebuild_one_is_refused_and_nothing_is_lost(setting: Setting) -> None:
    one, other = setting.copy("one"), setting.copy("other")
    publish(one, range(MOST))
    for copy in (one, other):
        index = copy.checkout()
        copy.mark_dirty()
        index.delete([record(n).id for n in range(600)])
        index.insert([record(n) for n in range(600)])
    assert one.publish(MOST).rebuilt is not None
    with pytest.raises(PublishRefusedError):
        other.publish(MOST)
    other.discard()
    assert content(other) == content(one)
    assert publish(other, range(MOST, MOST + 1)).version == 3
    assert len(content(one)) == MOST + 1


def test_a_generation_waits_that_needs_an_object_that_is_being_deleted(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = setting.copy("one")
    publish(copy, range(MOST))
    monkeypatch.setattr(module, "names_of_base", lambda _: frozenset({"blocks/a"}))
    monkeypatch.setattr(
        "receipt_index.snapshot.copies.working_copy.being_deleted",
        lambda *_: frozenset({"blocks/a"}),
    )
    published = publish(copy, range(600), range(600))
    assert published.rebuild_postponed == "a new generation needs objects that are being deleted"
    assert published.version == 2
    assert setting.manifest().elements == MOST + 600


def test_a_generation_whose_derived_file_is_being_deleted_is_published_as_a_pack(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A base would need the object again, and its publish would be refused."""
    derived, there = b"derived" * 100, "receipt_index.snapshot.copies.working_copy."
    copy = setting.copy("one")
    publish(copy, range(MOST))

    def derive(*_: object, **__: object) -> None:
        (setting.root / "one" / "working" / "derived").write_bytes(derived)

    monkeypatch.setattr(f"{there}derive", derive)
    names = frozenset({block_name(digest_of(derived))})
    monkeypatch.setattr(f"{there}being_deleted", lambda *_: names)
    published = publish(copy, range(600), range(600))
    assert published.rebuilt == (MOST, MOST + 600)
    manifest = setting.manifest()
    assert (manifest.version, len(manifest.packs), manifest.elements) == (2, 1, MOST)
    assert len(content(setting.copy("other"))) == MOST


def test_a_forced_rebuild_is_made_though_none_is_due_and_raises_its_errors(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(setting.copy("one"), range(10))
    steps: list[tuple[int, int]] = []
    settings = RebuildSettings(forced=True, on_progress=lambda *step: steps.append(step))
    forced = setting.copy("forced", rebuild=settings)
    forced.checkout()
    assert forced.publish(None).rebuilt == (10, 10)
    assert steps == [(10, 10)]
    assert setting.manifest().record_count == 10
    forced.checkout()
    monkeypatch.setattr(GraphIndex, "insert", _refused)
    with pytest.raises(IndexFailedError):
        forced.publish(None)


@pytest.mark.parametrize("units", [-4, -3, -2, -1, 1, 2, 3, 4])
def test_a_float_that_the_index_stores_some_units_beside_is_copied_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: int
) -> None:
    """Chroma stores about one float in ten beside the one that it was given."""

    def stored(value: object) -> object:
        if not isinstance(value, float):
            return value
        for _ in range(abs(units)):
            value = math.nextafter(value, math.copysign(math.inf, units))
        return value

    one, other = (GraphIndex(_made(tmp_path / name), Collection.LINES) for name in ("a", "b"))
    one.insert([record(n, n / 7) for n in range(1, 4)])
    monkeypatch.setattr("tests.support.fakes.index._stored", stored)
    fill(one, other, lambda: None, ignore_progress)
    compare(one, other, lambda: None)


def _other_document(index: GraphIndex) -> None:
    index.replace_vectors([NewVector("id-00001", record(1).vector, "other", {})])


def _other_metadata(index: GraphIndex) -> None:
    index.update({"id-00001": {"n": True}})


def _other_vector(index: GraphIndex) -> None:
    index.stored_vectors["id-00001"] = np.array([2.001, 1], np.float32)


def _absent(index: GraphIndex) -> None:
    index.delete(["id-00001"])


def _further(index: GraphIndex) -> None:
    index.insert([record(7)])


@pytest.mark.parametrize(
    "damage", [_other_document, _other_metadata, _other_vector, _absent, _further]
)
def test_a_generation_that_differs_in_anything_is_refused(
    tmp_path: Path, damage: Callable[[GraphIndex], None]
) -> None:
    one, other = (GraphIndex(_made(tmp_path / name), Collection.LINES) for name in ("a", "b"))
    one.insert([record(n, n / 7) for n in range(3)])
    fill(one, other, lambda: None, ignore_progress)
    compare(one, other, lambda: None)
    damage(other)
    with pytest.raises(ReadBackError):
        compare(one, other, lambda: None)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


class Killed(BaseException):
    """The end of a process in the middle of a step."""


@pytest.mark.parametrize(
    "step",
    [
        "receipt_index.snapshot.copies.rebuilding.fill",
        "receipt_index.snapshot.copies.rebuilding.compare",
        "receipt_index.snapshot.copies.working_copy.replace_files",
        "receipt_index.snapshot.copies.working_copy.check_sizes",
        "receipt_index.snapshot.copies.working_copy.write_base",
        "tests.support.fakes.snapshots.InMemorySnapshotStore.swap_manifest",
    ],
)
def test_a_worker_that_ends_at_any_step_of_a_rebuild_leaves_the_published_version(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    copy = setting.copy("one")
    publish(copy, range(MOST))
    before = content(copy)
    index = copy.checkout()
    copy.mark_dirty()
    index.delete([record(n).id for n in range(600)])
    index.insert([record(n) for n in range(599)])

    def end(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(step, end)
        with pytest.raises(Killed):
            copy.publish(MOST - 1)
    assert content(setting.copy("next")) == before
    copy.discard()  # a worker that goes on after such an error
    assert content(copy) == before
    assert publish(copy, range(600), range(600)).rebuilt is not None
    assert content(setting.copy("last")) == before


def test_a_generation_that_can_not_take_its_place_blames_no_message(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = setting.copy("one")
    publish(copy, range(MOST))
    before = content(copy)

    def refuse(*_: object) -> None:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(IndexUnavailableError, match="could not take its place"):
            publish(copy, range(600), range(600))
    copy.discard()
    assert content(copy) == before


def test_a_generation_that_does_not_open_in_its_place_blames_no_message(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = setting.copy("one")
    publish(copy, range(MOST))
    before = content(copy)

    def close(index: GraphIndex) -> None:
        if "working" in str(index._records):
            raise IndexFailedError("Chroma's close failed: InternalError")

    with monkeypatch.context() as patch:
        patch.setattr(GraphIndex, "close", close)
        with pytest.raises(IndexUnavailableError, match="close failed"):
            publish(copy, range(600), range(600))
    copy.discard()
    assert content(copy) == before
