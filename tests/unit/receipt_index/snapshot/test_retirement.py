"""Objects are dropped, but never one that a reader or a slower worker may still need."""

import tempfile
from datetime import timedelta
from pathlib import Path
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from receipt_index.snapshot.copies import working_copy as module
from receipt_index.snapshot.copies.materialise import materialise
from receipt_index.snapshot.format.manifest import Manifest
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.retirement import GRACE, Expiry, being_deleted, split_expired
from receipt_sync.keys import Collection
from tests.support.fakes.files import FileIndex
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.unit.receipt_index.snapshot.setting import RETENTION, Setting, file_index

WRITES = st.tuples(
    st.sampled_from(["one", "two"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["x", "y", "z"]),  # few contents, so that a block comes back as it was
    st.integers(0, 80),
)


@given(st.lists(WRITES, min_size=1, max_size=14))
@settings(max_examples=30, deadline=None)
def test_every_version_that_was_the_newest_within_the_retention_can_be_fetched_whole(
    writes: list[tuple[str, str, str, int]],
) -> None:
    with tempfile.TemporaryDirectory() as root, patch.object(module, "MAX_PACKS", 1):
        setting = Setting(Path(root))
        workers = {name: setting.copy(name) for name in ("one", "two")}
        superseded: list[tuple[Manifest, float]] = []
        for number, (worker, key, value, pause) in enumerate(writes):
            setting.clock.advance(pause)
            superseded += [(manifest, setting.clock.elapsed) for manifest in setting.history[:1]]
            setting.publish(workers[worker], **{key: value * 5_000})
            young = [
                manifest
                for manifest, since in superseded
                if setting.clock.elapsed - since < RETENTION.total_seconds()
            ]
            for manifest in (*young, setting.manifest()):
                assert manifest.objects <= set(setting.store.objects)
            _fetch([*young, setting.manifest()][0], Path(root) / f"reader-{number}", setting)


def _fetch(manifest: Manifest, folder: Path, setting: Setting) -> None:
    folder.mkdir()
    materialise(manifest, folder, setting.store)


def test_a_reader_that_began_before_a_rebase_can_finish_after_it(tmp_path: Path) -> None:
    with patch.object(module, "MAX_PACKS", 2):
        setting, folder = Setting(tmp_path), tmp_path / "slow"
        copy = setting.copy("one")
        slow = setting.publish(copy, a="1")
        for number in range(6):
            setting.clock.advance(20)
            setting.publish(copy, **{f"k{number}": "v"})
        assert not slow.objects <= setting.manifest().objects
        _fetch(slow, folder, setting)
        assert FileIndex(folder, slow.collection).records == {"a": "1"}


def test_what_is_dropped_in_the_end_is_all_that_no_version_needs(tmp_path: Path) -> None:
    with patch.object(module, "MAX_PACKS", 1):
        setting = Setting(tmp_path)
        copy = setting.copy("one")
        for number in range(8):
            setting.clock.advance(60)
            setting.publish(copy, **{f"k{number}": "v"})
    for seconds in (101, GRACE.total_seconds()):
        setting.clock.advance(seconds)
        copy.checkout()
        copy.publish(None)
        lists = {entry.name for entry in setting.manifest().retired}
        assert set(setting.store.objects) == setting.manifest().objects | lists
    assert setting.manifest().retired == ()


def test_an_object_is_kept_to_the_very_end_of_the_retention(tmp_path: Path) -> None:
    with patch.object(module, "MAX_PACKS", 1):
        setting = Setting(tmp_path)
        copy = setting.copy("one")
        for number in range(3):
            setting.publish(copy, **{f"k{number}": "v"})
        retired = setting.manifest().retired
        assert retired
        just_before = setting.clock.now() + RETENTION - timedelta(microseconds=1)
        assert split_expired(retired, just_before, RETENTION) == Expiry(retired, (), ())
        end = setting.clock.now() + RETENTION
        kept, due, over = split_expired(retired, end, RETENTION)
        assert (due, over) == (retired, ())
        assert {entry.deleting for entry in kept} == {end}
        assert split_expired(kept, end + GRACE / 2, RETENTION) == Expiry(kept, (), ())
        assert split_expired(kept, end + GRACE, RETENTION) == Expiry((), (), kept)


def test_an_object_that_somebody_may_be_about_to_delete_is_not_used_again(tmp_path: Path) -> None:
    """Who published its deletion may sleep before it, and delete whatever is there by then."""
    with patch.object(module, "MAX_PACKS", 0), patch.object(InMemorySnapshotStore, "delete"):
        setting = Setting(tmp_path)
        sleeper, other = setting.copy("sleeper"), setting.copy("other")
        setting.publish(sleeper, a="first")
        dropped = setting.manifest().objects
        setting.publish(sleeper, a="other")
        setting.clock.advance(RETENTION.total_seconds())
        setting.publish(sleeper, b="1")
        assert being_deleted(setting.manifest(), RetiredLists(setting.store)) <= dropped
        file_index(other).records.clear()
        setting.publish(other, a="first")
        assert being_deleted(setting.manifest(), RetiredLists(setting.store)).isdisjoint(
            setting.manifest().objects
        )
        assert FileIndex(_cold(setting, tmp_path), Collection.LINES).records == {"a": "first"}


def _cold(setting: Setting, root: Path) -> Path:
    folder = root / "cold"
    folder.mkdir()
    materialise(setting.manifest(), folder, setting.store)
    return folder
