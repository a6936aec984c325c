"""What is retired together is one entry of the manifest, however much it is."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from pydantic import ValidationError

from receipt_index.snapshot.copies import working_copy as module
from receipt_index.snapshot.format.compression import compress
from receipt_index.snapshot.format.manifest import (
    Manifest,
    PackReference,
    Retired,
    block_name,
    pack_name,
)
from receipt_index.snapshot.store import retired_lists
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.retirement import GRACE, retire, split_expired
from receipt_sync.keys import Collection
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.unit.receipt_index.snapshot.setting import RETENTION, Setting

NOW = datetime(2026, 1, 31, tzinfo=UTC)


def names(count: int, first: int = 0) -> frozenset[str]:
    return frozenset(pack_name(f"{number:064x}") for number in range(first, first + count))


def entry_of(lists: RetiredLists, objects: frozenset[str]) -> Retired:
    (name,) = lists.put(objects)
    return Retired(name=name, since=NOW)


def test_a_list_that_another_worker_wrote_is_read() -> None:
    store = InMemorySnapshotStore()
    entry = entry_of(RetiredLists(store), names(300))
    assert RetiredLists(store).objects(entry) == names(300)


def test_the_worker_that_wrote_a_list_does_not_fetch_it() -> None:
    store = InMemorySnapshotStore()
    lists = RetiredLists(store)
    assert lists.objects(entry_of(lists, names(3))) == names(3)
    assert store.reads == []


def test_more_names_than_a_list_may_have_go_on_several() -> None:
    lists = RetiredLists(InMemorySnapshotStore())
    with patch.object(retired_lists, "MAX_LISTED", 100):
        entries = [Retired(name=name, since=NOW) for name in lists.put(names(250))]
    assert len(entries) == 3
    assert frozenset().union(*map(lists.objects, entries)) == names(250)


@pytest.mark.parametrize("data", [None, b"junk", compress(b"[]"), compress(b'["../x"]')])
def test_a_list_that_is_gone_or_damaged_names_nothing(data: bytes | None) -> None:
    store = InMemorySnapshotStore()
    entry = entry_of(RetiredLists(store), names(3))
    store.objects.pop(entry.name)
    if data is not None:
        store.objects[entry.name] = data
    assert RetiredLists(store).objects(entry) == frozenset()


def test_an_object_that_is_needed_again_leaves_its_list_and_the_others_keep_their_time() -> None:
    store = InMemorySnapshotStore()
    lists = RetiredLists(store)
    old, again = entry_of(lists, names(3)), names(1)
    previous = version((old,))
    (kept,) = retire(previous, again, again, NOW + timedelta(hours=1), lists)
    assert kept.since == NOW
    assert RetiredLists(store).objects(kept) == names(2, first=1)


def test_a_manifest_of_format_1_is_continued() -> None:
    """Its entries are objects; one of them is needed again, the others expire one day."""
    lists = RetiredLists(InMemorySnapshotStore())
    plain = tuple(Retired(name=name, since=NOW) for name in sorted(names(3)))
    again = frozenset({plain[1].name})
    assert retire(version(plain), again, again, NOW, lists) == (plain[0], plain[2])
    assert split_expired(plain, NOW + timedelta(days=1), timedelta(days=1)).due == plain


def test_the_manifest_of_a_day_of_two_publishes_a_second_stays_small() -> None:
    """200 packs a base: 864 bases, the last with packs of its own."""
    lists, bases = RetiredLists(InMemorySnapshotStore()), 864
    retired = tuple(entry_of(lists, names(200, first=200 * number)) for number in range(bases))
    packs = tuple(PackReference(digest=f"{n:064x}", size=300_000) for n in range(200))
    manifest = version(retired).model_copy(update={"packs": packs})
    assert 100_000 < len(manifest.to_json()) < 200_000


def test_a_new_base_heals_what_was_lost_of_the_one_before(tmp_path: Path) -> None:
    setting = Setting(tmp_path)
    copy = setting.copy("one")
    with patch.object(module, "MAX_PACKS", 0):
        before = setting.publish(copy, a="1")
        lost = block_name(next(file.blocks[0] for file in before.base.values() if file.blocks))
        setting.store.delete([lost])
        copy.checkout()
        copy.publish(None)
    assert setting.manifest().base == before.base
    assert setting.store.read(lost, 1_000)


def version(retired: tuple[Retired, ...]) -> Manifest:
    return Manifest(
        collection=Collection.LINES,
        version=1,
        base={},
        base_size=0,
        files={},
        record_count=0,
        published_at=NOW,
        writer="w",
        retired=retired,
    )


@pytest.mark.parametrize("field", ["since", "deleting"])
def test_a_time_to_which_no_retention_can_be_added_is_refused(field: str) -> None:
    """Every publish of a manifest with such an entry ended with an OverflowError."""
    times = {"since": NOW, field: datetime(9999, 12, 31, tzinfo=UTC)}
    with pytest.raises(ValidationError):
        Retired.model_validate({"name": f"retired/{'0' * 64}", **times})


def test_a_worker_keeps_no_list_in_memory_that_its_version_no_longer_names(tmp_path: Path) -> None:
    """A worker may live for days, and each new base retires a list."""
    setting = Setting(tmp_path)
    copy = setting.copy("one")
    with patch.object(module, "MAX_PACKS", 0):
        for number in range(12):
            setting.publish(copy, a=f"{number}" * 9_000)
            setting.clock.advance(RETENTION.total_seconds() / 3)
            named = {entry.name for entry in setting.manifest().retired}
            assert copy._retired_lists._known.keys() <= named
        setting.clock.advance(RETENTION.total_seconds() + GRACE.total_seconds())
        setting.publish(copy, a="last")
        setting.clock.advance(GRACE.total_seconds())
        setting.publish(copy, a="of all")
    assert len(copy._retired_lists._known) <= len(setting.manifest().retired) <= 2
