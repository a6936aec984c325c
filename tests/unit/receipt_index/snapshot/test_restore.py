"""An earlier version becomes the newest; workers move on to it, and what it lost is said."""

from pathlib import Path

import pytest

from receipt_index.snapshot.copies import working_copy as module
from receipt_index.snapshot.format.manifest import Manifest, Retired
from receipt_index.snapshot.restore import RestorePlan, check, publish
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_sync.errors import PublishRefusedError, SnapshotDamagedError
from tests.unit.receipt_index.snapshot.setting import Setting, file_index


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    monkeypatch.setattr(module, "MAX_PACKS", 2)  # so that version 4 has a base of its own
    setting = Setting(tmp_path)
    copy = setting.copy("one")
    for number in range(1, 6):
        setting.publish(copy, **{f"k{number}": "v" * 5_000})
    copy.close()
    return setting


def plan_to(setting: Setting, version: int, highest: int = 0) -> RestorePlan:
    (chosen,) = [manifest for manifest in setting.history if manifest.version == version]
    return RestorePlan(chosen, setting.history[0], highest)


def restored(setting: Setting, version: int, highest: int = 0) -> Manifest:
    plan = plan_to(setting, version, highest)
    check(setting.store, plan, _empty(setting))
    setting.history.insert(0, publish(setting.store, plan, setting.clock, "operator").published)
    return setting.history[0]


def _empty(setting: Setting) -> Path:
    folder = setting.root / f"check-{setting.store.puts}"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_an_earlier_version_becomes_the_newest_and_workers_continue_from_it(
    setting: Setting, version: int
) -> None:
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
) -> None:
    newest = setting.manifest()
    manifest = restored(setting, 1)
    kept = setting.retired()
    assert newest.objects - manifest.objects <= kept
    assert not manifest.objects & kept
    assert setting.manifest() == manifest


def test_the_restoration_can_itself_be_undone(setting: Setting) -> None:
    restored(setting, 1)
    restored(setting, 5)
    assert len(setting.records(setting.copy("cold"))) == 5


def test_a_worker_that_was_publishing_is_refused(setting: Setting) -> None:
    slow = setting.copy("slow")
    index = file_index(slow)
    slow.mark_dirty()
    index.put(late="v")
    restored(setting, 3)
    with pytest.raises(PublishRefusedError):
        slow.publish(1)


@pytest.mark.parametrize("data", [b"junk", b'{"format":9}', None])
def test_a_damaged_or_deleted_manifest_can_be_replaced(
    setting: Setting, data: bytes | None
) -> None:
    setting.store.data = data
    restored(setting, 5)
    assert len(setting.records(setting.copy("cold"))) == 5


def test_a_version_whose_objects_are_damaged_is_not_published(setting: Setting) -> None:
    before = setting.store.data
    name = next(iter(setting.history[-1].objects))
    setting.store.objects[name] = b"junk"
    with pytest.raises(SnapshotDamagedError, match=f"version 1 of receipt_lines.*{name}"):
        restored(setting, 1)
    assert setting.store.data == before


def test_the_refusal_of_a_damaged_version_advises_what_helps(setting: Setting) -> None:
    """It advised to restore an earlier version, also for the first one."""
    setting.store.objects[next(iter(setting.history[-1].objects))] = b"junk"
    with pytest.raises(SnapshotDamagedError) as raised:
        restored(setting, 1)
    assert "earlier" not in str(raised.value)
    assert "`receipt-sync snapshot history receipt_lines --check` shows as whole" in str(
        raised.value
    )
    assert "If none is, delete everything under snapshots/receipt_lines/" in str(raised.value)


def test_a_version_published_meanwhile_is_replaced_and_its_objects_are_kept(
    setting: Setting,
) -> None:
    """Beside a running compactor the restore was refused each time."""
    plan = plan_to(setting, 1)
    newer = setting.publish(setting.copy("other"), newer="v")
    manifest, replaced = publish(setting.store, plan, setting.clock, "operator")
    assert replaced.version == newer.version > plan.newest.version
    assert manifest.version == newer.version + 1
    assert newer.objects - manifest.objects <= setting.retired()


def test_a_restore_that_is_refused_tries_again(setting: Setting) -> None:
    plan, store = plan_to(setting, 1), setting.store
    other = setting.copy("other")
    swap, races = store.swap_manifest, iter(range(3))

    def raced(data: bytes, expected_etag: str | None) -> str:
        if next(races, None) is not None:
            store.swap_manifest = swap  # type: ignore[method-assign]
            setting.publish(other, newer="v")
            store.swap_manifest = raced  # type: ignore[method-assign]
        return swap(data, expected_etag)

    store.swap_manifest = raced  # type: ignore[method-assign]
    assert publish(store, plan, setting.clock, "operator").published.version == 9
    assert setting.manifest().writer == "operator"


def test_a_restore_that_is_always_refused_says_so(setting: Setting) -> None:
    plan = plan_to(setting, 1)
    setting.store.failing = PublishRefusedError
    with pytest.raises(PublishRefusedError):
        publish(setting.store, plan, setting.clock, "operator")


def test_the_restored_version_gets_a_number_that_nobody_has_seen(setting: Setting) -> None:
    setting.store.data = b"junk"
    assert restored(setting, 2, highest=9).version == 10


def test_objects_that_are_being_deleted_are_not_published_again(setting: Setting) -> None:
    plan = plan_to(setting, 1)
    gone = sorted(plan.chosen.objects)[:1]
    manifest = setting.manifest()
    (name,) = RetiredLists(setting.store).put(gone)
    now = setting.clock.now()
    begun = Retired(name=name, since=now, deleting=now)
    update = {"version": 6, "retired": (*manifest.retired, begun)}
    setting.store.data = manifest.model_copy(update=update).to_json()
    with pytest.raises(SnapshotDamagedError, match="are being deleted"):
        publish(setting.store, plan, setting.clock, "operator")
