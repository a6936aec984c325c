"""Checkout, publish, refusal and damage, with the snapshot's objects in memory."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from receipt_index.snapshot.copies import working_copy as module
from receipt_index.snapshot.copies.working_copy import WorkingCopy
from receipt_index.snapshot.format.compression import digest_of
from receipt_index.snapshot.format.manifest import block_name, pack_name, read_manifest
from receipt_index.snapshot.format.pack import apply_pack
from receipt_index.snapshot.store.leftovers import Leftovers
from receipt_index.snapshot.store.retirement import GRACE
from receipt_sync.deadline import Deadline
from receipt_sync.errors import (
    IndexFailedError,
    ObjectsNotDeletedError,
    PublishRefusedError,
    SnapshotDamagedError,
)
from receipt_sync.keys import Collection
from tests.support.fakes.files import FileIndex
from tests.unit.receipt_index.snapshot.setting import Setting, file_index


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


def put(copy: WorkingCopy, deadline: Deadline | None = None, **records: str) -> FileIndex:
    index = file_index(copy, deadline)
    copy.mark_dirty()
    index.put(**records)
    return index


def records(copy: WorkingCopy) -> dict[str, str]:
    return file_index(copy).records


def test_what_one_worker_publishes_another_checks_out(setting: Setting) -> None:
    one, other = setting.copy("one"), setting.copy("other")
    put(one, a="1")
    assert one.publish(1).version == 1
    assert records(other) == {"a": "1"}
    put(other, b="2")
    assert other.publish(2).version == 2
    assert records(one) == {"a": "1", "b": "2"}
    assert setting.manifest().record_count == 2


def test_a_warm_worker_fetches_only_the_packs_that_it_lacks(setting: Setting) -> None:
    one, other = setting.copy("one"), setting.copy("other")
    put(one, a="1")
    one.publish(1)
    records(other)
    setting.store.reads.clear()
    put(one, b="2")
    one.publish(2)
    records(other)
    assert [name.split("/")[0] for name in setting.store.reads] == ["packs"]


def test_a_publish_after_nothing_changed_moves_no_pages(setting: Setting) -> None:
    copy = setting.copy("one")
    put(copy, a="1")
    copy.publish(1)
    copy.checkout()
    published = copy.publish(None)
    assert (published.version, published.uploaded) == (2, 0)
    assert setting.manifest().record_count == 1


def test_a_refused_swap_throws_the_work_away(setting: Setting) -> None:
    slow, fast = setting.copy("slow"), setting.copy("fast")
    put(slow, a="slow")
    put(fast, a="fast")
    fast.publish(1)
    with pytest.raises(PublishRefusedError):
        slow.publish(1)
    assert records(slow) == {"a": "fast"}


def test_a_dirty_copy_is_never_reused(setting: Setting) -> None:
    copy = setting.copy("one")
    put(copy, a="1")
    copy.publish(1)
    put(copy, a="half written")
    assert records(copy) == {"a": "1"}


def test_a_first_publish_that_fails_leaves_nothing_behind(setting: Setting) -> None:
    copy = setting.copy("one")
    put(copy, a="never published")
    setting.store.failing = ConnectionError
    with pytest.raises(ConnectionError):
        copy.publish(1)
    copy.discard()
    assert records(copy) == {}


def test_a_copy_that_chroma_is_still_writing_is_never_published(setting: Setting) -> None:
    copy = setting.copy("one")
    put(copy, a="1")
    (setting.root / "one" / "working" / "chroma.sqlite3-journal").touch()
    with pytest.raises(IndexFailedError, match="not idle"):
        copy.publish(1)
    assert setting.store.data is None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda s: setattr(s.store, "data", b"{}"), "format"),
        (
            lambda s: setattr(s.store, "data", s.store.data.replace(b'"format":4', b'"format":9')),
            "format",
        ),
        (lambda s: s.store.objects.pop(next(n for n in s.store.objects if "packs" in n)), "gone"),
        (lambda s: _truncate(s, "packs"), "does not have the digest in its name"),
        (lambda s: _truncate(s, "blocks"), "is truncated"),
    ],
)
def test_a_manifest_or_pack_is_unreadable_so_the_cycle_stops_with_a_clear_error(
    setting: Setting, damage: Callable[[Setting], object], message: str
) -> None:
    one = setting.copy("one")
    put(one, a="1")
    one.publish(1)
    put(one, b="2")
    one.publish(2)
    good = (setting.store.data, dict(setting.store.objects))
    damage(setting)
    other = setting.copy("other")
    with pytest.raises(SnapshotDamagedError, match=message):
        other.checkout()
    setting.store.data, setting.store.objects = good
    assert records(other) == {"a": "1", "b": "2"}


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../b", ".hidden", "a//b", "a\x00b", ""])
def test_a_manifest_can_not_lead_out_of_its_folder(setting: Setting, path: str) -> None:
    copy = setting.copy("one")
    put(copy, a="1")
    copy.publish(1)
    manifest = setting.manifest()
    forged = manifest.model_copy(update={"files": {path: 1}})
    with pytest.raises(SnapshotDamagedError):
        read_manifest(forged.to_json(), Collection.LINES)


def test_a_manifest_of_another_collection_is_refused(setting: Setting) -> None:
    copy = setting.copy("one")
    put(copy, a="1")
    copy.publish(1)
    assert setting.store.data is not None
    with pytest.raises(SnapshotDamagedError, match="receipt_lines"):
        read_manifest(setting.store.data, Collection.WORDS)


@pytest.mark.parametrize("field", ["format", "packs", "retired"])
def test_a_manifest_without_a_field_that_every_manifest_has_is_damaged(
    setting: Setting, field: str
) -> None:
    """Its default value counted, so `snapshot show` described a version that nobody published."""
    content = json.loads(setting.publish(setting.copy("one"), a="1").to_json())
    del content[field]
    with pytest.raises(SnapshotDamagedError, match=f"has no {field}: `receipt-sync snapshot res"):
        read_manifest(json.dumps(content).encode(), Collection.LINES)


def test_packs_that_outgrow_their_share_become_a_new_base(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PACKS", 3)
    one, other = setting.copy("one"), setting.copy("other")
    for number in range(6):
        put(one, None, **{f"k{number}": "v"})
        one.publish(number)
        assert len(records(other)) == number + 1
    assert len(setting.manifest().packs) < 3


@pytest.mark.parametrize(
    ("seconds", "free", "reason"),
    [
        (1, 1 << 40, "a new base needs 2 s, but 1 s are left"),
        (60, 64 * 2**20, "a new base needs 96 MiB of memory, but 64 MiB are free"),
    ],
)
def test_a_base_without_room_waits_and_a_pack_is_published_meanwhile(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, seconds: float, free: int, reason: str
) -> None:
    monkeypatch.setattr(module, "MAX_PACKS", 2)
    copy = setting.copy("one", free_memory=lambda: free)
    setting.publish(copy, a="1")
    for number in range(4):
        put(copy, Deadline(setting.clock, seconds), **{f"k{number}": "v"})
        postponed = copy.publish(number).postponed
    assert postponed == reason
    assert len(setting.manifest().packs) == 4
    with_room = setting.copy("two")
    put(with_room, last="v")
    assert with_room.publish(6).postponed is None
    assert setting.manifest().packs == ()
    assert len(records(setting.copy("cold"))) == 6


def test_at_the_most_packs_of_the_format_a_base_is_written_without_room(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PACKS", 1)
    monkeypatch.setattr(module, "MOST_PACKS", 3)
    copy = setting.copy("one", free_memory=lambda: 0)
    for number in range(5):
        put(copy, None, **{f"k{number}": "v"})
        copy.publish(number)
    assert setting.manifest().packs == ()
    assert setting.manifest().version == 5


def test_dropped_objects_are_deleted_only_after_the_retention(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PACKS", 2)
    copy = setting.copy("one")
    for number in range(4):
        put(copy, None, **{f"k{number}": "v"})
        copy.publish(number)
    retired = setting.retired()
    assert retired
    assert retired <= set(setting.store.objects)
    setting.clock.advance(101)
    put(copy, last="v")
    copy.publish(5)
    assert not retired & set(setting.store.objects)
    assert len(records(setting.copy("cold"))) == 5


def test_what_could_not_be_deleted_is_told_and_deleted_by_a_later_publish(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PACKS", 2)
    copy, delete = setting.copy("one"), setting.store.delete
    for number in range(4):
        setting.publish(copy, **{f"k{number}": "v"})
    retired = setting.retired()
    setting.clock.advance(101)

    def failing(names: Iterable[str]) -> None:
        raise ObjectsNotDeletedError(list(names), "InternalError")

    setting.store.delete = failing  # type: ignore[method-assign]
    put(copy, last="v")
    published = copy.publish(5)
    assert "(InternalError)" in str(published.undeleted)
    assert retired <= set(setting.store.objects)
    setting.store.delete = delete  # type: ignore[method-assign]
    put(copy, later="v")
    assert copy.publish(6).undeleted is None
    assert not retired & set(setting.store.objects)
    assert len(records(setting.copy("cold"))) == 6


def test_what_could_not_be_deleted_is_left_to_the_collection_after_half_the_grace(
    setting: Setting,
) -> None:
    asked: list[str] = []

    def failing(names: Iterable[str]) -> None:
        asked.extend(names)
        raise ObjectsNotDeletedError(list(names), "InternalError")

    setting.store.delete = failing  # type: ignore[method-assign]
    leftovers, now = Leftovers(setting.store), setting.clock.now()
    with pytest.raises(ObjectsNotDeletedError):
        leftovers.delete(["packs/a"], now)
    with pytest.raises(ObjectsNotDeletedError):
        leftovers.delete(["packs/b"], now + GRACE / 4)
    with pytest.raises(ObjectsNotDeletedError):
        leftovers.delete([], now + GRACE / 2)
    leftovers.delete([], now + GRACE)
    assert asked == ["packs/a", "packs/a", "packs/b", "packs/b"]


def test_a_version_that_is_published_stands_though_the_copy_can_not_go_on(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = setting.copy("one")
    setting.publish(copy, a="1")
    put(copy, b="2")
    with monkeypatch.context() as full:
        full.setattr(module, "mark_all_equal", _full)
        published = copy.publish(2)
    assert (published.version, published.abandoned) == (2, "OSError")
    assert records(copy) == records(setting.copy("cold")) == {"a": "1", "b": "2"}


def _full(*_: object) -> None:
    raise OSError(28, "no space left on device")


def test_a_vanished_manifest_is_an_error_and_no_empty_collection(setting: Setting) -> None:
    copy = setting.copy("one")
    put(copy, a="1")
    copy.publish(1)
    setting.store.data = None
    with pytest.raises(SnapshotDamagedError, match="gone"):
        copy.checkout()


def test_a_cold_worker_publishes_nothing_over_a_snapshot_without_its_manifest(
    setting: Setting,
) -> None:
    setting.publish(setting.copy("one"), a="1")
    setting.store.data = None
    with pytest.raises(SnapshotDamagedError, match="receipt-sync snapshot restore"):
        setting.copy("cold").checkout()
    assert setting.store.data is None


def test_a_manifest_that_comes_between_the_look_and_the_listing_is_no_damage(
    setting: Setting,
) -> None:
    setting.publish(setting.copy("one"), a="1")
    cold, manifest = setting.copy("cold"), setting.store.data
    setting.store.data = None
    listed = setting.store.holds_objects

    def late() -> bool:
        setting.store.data = manifest
        return listed()

    setting.store.holds_objects = late  # type: ignore[method-assign]
    assert records(cold) == {"a": "1"}


def test_a_first_publish_that_ends_after_its_blocks_is_followed_by_another(
    setting: Setting,
) -> None:
    copy = setting.copy("one")
    put(copy, a="never published")
    swap = setting.store.swap_manifest

    def dies_at_the_end(data: bytes, expected_etag: str | None) -> str:
        if setting.store.objects:
            raise KeyboardInterrupt
        return swap(data, expected_etag)

    setting.store.swap_manifest = dies_at_the_end  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        copy.publish(1)
    assert any(name.startswith("blocks/") for name in setting.store.objects)
    setting.store.swap_manifest = swap  # type: ignore[method-assign]
    assert records(setting.copy("two")) == {}
    assert setting.publish(setting.copy("two"), b="2").version == 1
    assert records(setting.copy("three")) == {"b": "2"}


def _truncate(setting: Setting, kind: str) -> None:
    name = next(name for name in setting.store.objects if name.startswith(kind))
    setting.store.objects[name] = setting.store.objects[name][:-2]


def test_a_base_whose_derived_files_need_a_deleted_object_waits_and_a_pack_is_published(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files were made after the check, so the publish was refused until the deletion ended."""
    copy = setting.copy("one")
    setting.publish(copy, a="1")
    derived = setting.root / "one" / "working" / "derived"

    def derive(*_: object, whole: bool) -> None:
        if whole:
            derived.write_bytes(b"derived")

    deleted = frozenset({block_name(digest_of(b"derived"))})
    monkeypatch.setattr(module, "MAX_PACKS", 0)
    monkeypatch.setattr(module, "derive", derive)
    monkeypatch.setattr(module, "being_deleted", lambda *_: deleted)
    put(copy, b="2")
    published = copy.publish(2)
    assert published.postponed == "a new base needs objects that are being deleted"
    assert set(setting.records(setting.copy("cold"))) == {"a", "b"}


def test_a_copy_knows_the_version_that_it_has_checked_out(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    one, other = setting.copy("one"), setting.copy("other")
    assert one.version == 0
    one.checkout()
    assert one.version == 0
    setting.publish(one, a="1")
    setting.publish(one, b="1")
    assert (one.version, other.version) == (2, 0)
    other.checkout()
    assert other.version == 2


def test_a_pack_names_the_version_that_it_makes(tmp_path: Path) -> None:
    """Two versions may change the same pages in the same way, and have two objects."""
    setting = Setting(tmp_path)
    copy = setting.copy("one")
    for number in range(3):
        setting.publish(copy, a="12"[number % 2])
    names = [pack_name(pack.digest) for pack in setting.manifest().packs]
    versions = [
        apply_pack(setting.store.objects[name], tmp_path / f"applied-{name[-4:]}").version
        for name in names
    ]
    assert versions == [2, 3]
