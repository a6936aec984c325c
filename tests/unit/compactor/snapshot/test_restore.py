"""An earlier version becomes the newest; workers move on to it, and what it lost is said."""

from pathlib import Path

import pytest

from compactor.snapshot import working_copy as module
from compactor.snapshot.manifest import Manifest
from compactor.snapshot.restore import NoSuchVersionError, restore
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError
from tests.unit.compactor.snapshot.setting import Setting


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr(module, "MAX_PACKS", 2)  # so that version 4 has a base of its own
    setting = Setting(tmp_path)
    copy = setting.copy("one")
    for number in range(1, 6):
        setting.publish(copy, **{f"k{number}": "v" * 5_000})
    copy.close()
    return setting


def restored(setting: Setting, version: int) -> Manifest:
    setting.history.insert(
        0,
        restore(
            setting.store,
            setting.history,
            version,
            _empty(setting),
            setting.clock,
            "operator",
        ),
    )
    return setting.history[0]


def _empty(setting: Setting) -> Path:
    folder = setting.root / f"check-{setting.store.puts}"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_an_earlier_version_becomes_the_newest_and_workers_continue_from_it(
    setting: Setting, version: int
):
    warm = setting.copy("warm")
    assert len(setting.records(warm)) == 5
    manifest = restored(setting, version)
    assert (manifest.version, manifest.writer) == (6, "operator")
    expected = {f"k{number}" for number in range(1, version + 1)}
    assert set(setting.records(warm)) == expected
    assert set(setting.records(setting.copy("cold"))) == expected
    assert setting.publish(warm, new="v").version == 7
    assert set(setting.records(setting.copy("colder"))) == {*expected, "new"}


def test_what_the_restored_version_does_not_need_is_kept_for_readers_of_the_newer_one(
    setting: Setting,
):
    newest = setting.manifest()
    manifest = restored(setting, 1)
    kept = setting.retired()
    assert newest.objects - manifest.objects <= kept
    assert not manifest.objects & kept
    assert setting.manifest() == manifest


def test_the_restoration_can_itself_be_undone(setting: Setting):
    restored(setting, 1)
    restored(setting, 5)
    assert len(setting.records(setting.copy("cold"))) == 5


def test_a_worker_that_was_publishing_is_refused(setting: Setting):
    slow = setting.copy("slow")
    index = slow.checkout()
    slow.mark_dirty()
    index.put(late="v")  # type: ignore[attr-defined]
    restored(setting, 3)
    with pytest.raises(PublishRefusedError):
        slow.publish(1)


@pytest.mark.parametrize("data", [b"junk", b'{"format":9}', None])
def test_a_damaged_or_deleted_manifest_can_be_replaced(setting: Setting, data: bytes | None):
    setting.store.data = data
    restored(setting, 5)
    assert len(setting.records(setting.copy("cold"))) == 5


def test_a_version_whose_objects_are_damaged_is_not_published(setting: Setting):
    before = setting.store.data
    name = next(iter(setting.history[-1].objects))
    setting.store.objects[name] = b"junk"
    with pytest.raises(SnapshotDamagedError, match=f"version 1 of receipt_lines.*{name}"):
        restored(setting, 1)
    assert setting.store.data == before


def test_a_version_published_meanwhile_is_not_overwritten(setting: Setting):
    known = list(setting.history)
    setting.publish(setting.copy("other"), newer="v")
    with pytest.raises(PublishRefusedError, match="version 6 of receipt_lines was published"):
        restore(setting.store, known, 1, _empty(setting), setting.clock, "operator")


def test_a_version_that_is_not_kept_is_refused_naming_those_that_are(setting: Setting):
    with pytest.raises(NoSuchVersionError, match="of the versions 1 to 5 are readable"):
        restored(setting, 9)
    with pytest.raises(NoSuchVersionError, match="none is readable"):
        restore(setting.store, [], 1, setting.root, setting.clock, "operator")
