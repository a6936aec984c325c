"""Files out of a manifest: what is checked before and after they are fetched."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from receipt_index.snapshot.copies import working_copy as module
from receipt_index.snapshot.copies.materialise import materialise
from receipt_index.snapshot.format import pack as pack_module
from receipt_sync.errors import SnapshotDamagedError, WorkspaceFullError
from tests.unit.receipt_index.snapshot.setting import Setting

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    setting = Setting(tmp_path)
    setting.publish(setting.copy("one"), a="v" * 50_000)
    return setting


def empty(setting: Setting) -> Path:
    folder = setting.root / "empty"
    folder.mkdir()
    return folder


def test_a_disk_that_is_too_small_is_named_before_anything_is_fetched(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    setting.store.reads.clear()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**6, 0, 49_000))
    with pytest.raises(WorkspaceFullError, match=r"needs 50,\d+ bytes in .*, which has 49,000"):
        materialise(setting.manifest(), empty(setting), setting.store)
    assert setting.store.reads == []


def test_a_file_that_is_one_too_many_is_named(setting: Setting) -> None:
    manifest = setting.manifest()
    fewer = {name: size for name, size in manifest.files.items() if name == "opened"}
    forged = manifest.model_copy(update={"files": fewer})
    with pytest.raises(SnapshotDamagedError, match=r"names: segment/records\.json"):
        materialise(forged, empty(setting), setting.store)


def test_what_changed_by_more_than_a_pack_may_hold_becomes_a_base(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PACK_PAGES", 5)
    copy = setting.copy("two")
    assert len(setting.publish(copy, b="v" * 15_000).packs) == 1
    manifest = setting.publish(copy, c="v" * 50_000)
    assert manifest.packs == ()
    assert set(setting.records(setting.copy("cold"))) == {"a", "b", "c"}


def test_of_a_new_base_a_warm_worker_fetches_the_blocks_that_it_lacks(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    warm = setting.copy("warm")
    setting.records(warm)
    monkeypatch.setattr(module, "MAX_PACKS", 0)
    before = setting.manifest()
    manifest = setting.publish(setting.copy("two"), b="v")
    assert manifest.packs == ()
    setting.store.reads.clear()
    assert set(setting.records(warm)) == {"a", "b"}
    fetched = {name for name in setting.store.reads if name.startswith("blocks/")}
    assert fetched == manifest.objects - before.objects
    assert "opened" in manifest.base
    assert len(fetched) == 1


def test_a_file_that_the_base_no_longer_has_is_removed_with_its_place(setting: Setting) -> None:
    folder = empty(setting)
    (folder / "stale").mkdir()
    (folder / "stale" / "file").write_bytes(b"x")
    (folder / "opened").write_bytes(b"something else, and longer")
    materialise(setting.manifest(), folder, setting.store)
    assert not (folder / "stale" / "file").exists()
    assert (folder / "opened").read_text() == "receipt_lines"


def test_every_pack_that_is_made_can_be_read_whatever_its_page_numbers_take(tmp_path: Path) -> None:
    pages = pack_module.MAX_PACK_PAGES
    header = len(str(list(range(10**8, 10**8 + 1_000)))) / 1_000 * pages
    assert pages * 4096 + header < pack_module.MAX_PACK_BYTES


def test_damage_of_the_first_version_does_not_advise_to_restore_an_earlier_one(
    setting: Setting,
) -> None:
    setting.store.objects.clear()
    with pytest.raises(SnapshotDamagedError) as raised:
        setting.copy("cold").checkout()
    assert "snapshot restore" not in str(raised.value)
    assert "No earlier version exists: delete everything under snapshots/receipt_lines/" in str(
        raised.value
    )
