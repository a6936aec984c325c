"""Garbage is deleted, and never what a publish under way needs again."""

from pathlib import Path

import pytest

from receipt_index.snapshot.copies import working_copy as module
from receipt_index.snapshot.format.manifest import Manifest, block_name
from receipt_index.snapshot.store import orphan_gc
from receipt_sync.errors import PublishRefusedError
from receipt_sync.keys import Collection
from tests.unit.receipt_index.snapshot.setting import Setting, file_index

LINES = Collection.LINES


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    setting = Setting(tmp_path)
    setting.publish(setting.copy("one"), a="1")
    return setting


def crashed_base(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> frozenset[str]:
    """Blocks of a new base whose publish got no further; returns their names."""
    before = frozenset(setting.store.objects)
    monkeypatch.setattr(module, "MAX_PACKS", 0)
    setting.store.failing = RuntimeError
    with pytest.raises(RuntimeError):
        setting.publish(setting.copy("crashed"), b="2")
    setting.store.failing = None
    left = frozenset(n for n in setting.store.objects if n.startswith("blocks/")) - before
    assert left
    return left


def delete_orphans(setting: Setting, names: frozenset[str]) -> list[str]:
    return orphan_gc.delete_orphans(setting.store, LINES, names, setting.clock, "gc")


def needed(manifest: Manifest) -> frozenset[str]:
    return frozenset(block_name(d) for file in manifest.base.values() for d in file.blocks)


def test_what_a_crash_left_is_deleted_and_nothing_else(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, version = crashed_base(setting, monkeypatch), setting.manifest().version
    assert delete_orphans(setting, left) == sorted(left)
    assert left.isdisjoint(setting.store.objects)
    assert setting.manifest().version == version + 1
    assert set(setting.records(setting.copy("cold"))) == {"a"}


def test_without_garbage_no_version_is_published(setting: Setting) -> None:
    version = setting.manifest().version
    assert delete_orphans(setting, frozenset()) == []
    assert setting.manifest().version == version


def test_what_was_published_since_it_was_looked_for_stays(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = crashed_base(setting, monkeypatch)
    manifest = setting.publish(setting.copy("two"), b="2")
    assert left <= needed(manifest)
    assert delete_orphans(setting, left) == []
    assert set(setting.records(setting.copy("cold"))) == {"a", "b"}


def test_a_publish_that_began_before_is_refused_and_can_be_done_again(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = crashed_base(setting, monkeypatch)
    slow = setting.copy("slow")
    index = file_index(slow)
    delete_orphans(setting, left)
    index.put(b="2")
    with pytest.raises(PublishRefusedError):
        slow.publish(1)
    slow.discard()
    manifest = setting.publish(slow, b="2")
    assert manifest.packs, "a base would need what may be under deletion, so a pack is published"
    assert set(setting.records(setting.copy("cold"))) == {"a", "b"}


def test_a_publish_between_look_and_swap_makes_it_look_again(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = crashed_base(setting, monkeypatch)
    swap, other = setting.store.swap_manifest, setting.copy("other")

    def swap_late(data: bytes, etag: str | None) -> str:
        monkeypatch.setattr(setting.store, "swap_manifest", swap)
        setting.publish(other, b="2")
        return swap(data, etag)

    monkeypatch.setattr(setting.store, "swap_manifest", swap_late)
    assert delete_orphans(setting, left) == []
    assert set(setting.records(setting.copy("cold"))) == {"a", "b"}


def test_after_ten_refusals_it_gives_up_and_has_deleted_nothing(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = crashed_base(setting, monkeypatch)
    setting.store.failing = PublishRefusedError
    with pytest.raises(PublishRefusedError):
        delete_orphans(setting, left)
    assert left <= set(setting.store.objects)


def test_nothing_is_deleted_before_the_first_publish_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its base needs the same blocks again. It was refused for an hour, and its messages failed."""
    setting = Setting(tmp_path)

    def crash(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(module.WorkingCopy, "_next", crash)  # after version 0 and the blocks
        with pytest.raises(RuntimeError):
            setting.publish(setting.copy("crashed"), a="1")
    left = frozenset(setting.store.objects)
    assert left
    assert setting.manifest().version == 0
    assert delete_orphans(setting, left) == []
    assert (frozenset(setting.store.objects), setting.manifest().version) == (left, 0)
    assert setting.publish(setting.copy("two"), a="1").version == 1
