"""Of thousands of kept versions, few are read; and what is said of them is true."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receipt_index.records import Record
from receipt_index.snapshot.copies.base import write_base
from receipt_index.snapshot.format.compression import digest_of
from receipt_index.snapshot.format.manifest import (
    Manifest,
    PackReference,
    block_name,
    pack_name,
    read_manifest,
)
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.snapshot_store import FetchedManifest
from receipt_ops.connection import Connection, Names
from receipt_ops.screens.snapshots import row_of
from receipt_ops.snapshots import since_tasks
from receipt_ops.snapshots.finding import Found, NothingKeptError, find_version, newest_readable
from receipt_ops.snapshots.garbage import GarbageUnknownError, StoredObject, garbage
from receipt_ops.snapshots.kept_versions import FrozenStore, KeptVersion
from receipt_ops.snapshots.objects import Soundness, missing
from receipt_ops.snapshots.past import PastVersions
from receipt_ops.verification.verdict import Example, Finding
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.unit.receipt_ops.snapshots.versions import JUNK, START, VersionedBucket, digest, manifest

MANY = 2_500


def many() -> VersionedBucket:
    return VersionedBucket(*(manifest(n) for n in range(1, MANY + 1)))


def test_a_history_is_read_in_its_order_and_only_as_far_as_it_is_asked() -> None:
    bucket = many()
    history = bucket.history()
    entries = (entry for page in history.pages() for entry in page.entries)
    some = [next(entries) for _ in range(70)]
    found = [kept.manifest.version for kept in history.read(some) if kept.manifest]
    assert found == list(range(MANY, MANY - 70, -1))
    assert (len(bucket.reads), bucket.listed) == (70, 1)


@pytest.mark.parametrize("version", [1, 2, 749, 1_500, MANY - 1, MANY])
def test_a_version_is_found_among_thousands_by_reading_few(version: int) -> None:
    bucket = many()
    found = find_version(bucket.history(), version)
    assert (found.chosen.version, found.newest.version, found.highest) == (version, MANY, MANY)
    assert len(bucket.reads) <= 40


@pytest.mark.parametrize("version", [1, 4, 6, 9])
def test_versions_that_can_not_be_read_are_passed_over(version: int) -> None:
    contents: list[Manifest | bytes] = [manifest(n) for n in range(1, 11)]
    for damaged in (3, 5, 7, 8, 10):
        contents[damaged - 1] = JUNK
    found = find_version(VersionedBucket(*contents).history(), version)
    assert found.chosen.version == version
    assert (found.newest.version, found.highest) == (9, 10), "a reader may have seen version 10"


def test_a_version_from_before_the_manifest_was_deleted_is_found_and_its_numbers_are_passed() -> (
    None
):
    before, after = [manifest(n) for n in range(1, 51)], [manifest(n) for n in range(1, 4)]
    found = find_version(VersionedBucket(*before, None, *after).history(), 40)
    assert (found.chosen.version, found.newest.version, found.highest) == (40, 3, 50)


@pytest.mark.parametrize(
    ("contents", "sentence"),
    [
        ([manifest(1), manifest(3)], "version 2 of receipt_lines is not kept"),
        ([JUNK, JUNK], "keeps no readable manifest"),
        ([], "keeps no readable manifest"),
    ],
)
def test_a_version_that_is_not_kept_is_one_sentence(
    contents: Sequence[Manifest | bytes], sentence: str
) -> None:
    with pytest.raises(NothingKeptError, match=sentence):
        find_version(VersionedBucket(*contents).history(), 2)


def copied_over(newest: int, old: int, since: int) -> list[Manifest | bytes]:
    """Versions up to `newest`, then a copy of an old one by S3, and `since` publishes after it."""
    return [manifest(n) for n in (*range(1, newest + 1), *range(old, old + since + 1))]


@pytest.mark.parametrize(("old", "since"), [(3, 0), (3, 4), (29, 0), (30, 0), (20, 15)])
@pytest.mark.parametrize("a_page", [1_000, 7])
def test_every_kept_version_is_found_after_an_old_manifest_was_copied_over_the_newest(
    old: int, since: int, a_page: int
) -> None:
    contents = copied_over(30, old, since)
    for version in (1, 2, 3, 4, 7, 15, 20, 29, 30):
        found = find_version(VersionedBucket(*contents, a_page=a_page).history(), version)
        assert (found.chosen.version, found.newest.version) == (version, old + since)
        assert len(contents) > a_page or found.highest == max(30, old + since), "it was seen"


def test_of_two_versions_with_one_number_the_newer_is_found() -> None:
    before = [manifest(n, "a") for n in range(1, 11)]
    after = [manifest(n, "b") for n in range(3, 6)]
    found = find_version(VersionedBucket(*before, *after).history(), 4)
    assert found.chosen.packs[0].digest == digest("b")


def test_a_version_is_called_not_kept_only_after_every_doubtful_page_was_read() -> None:
    contents = copied_over(30, 3, 2)
    del contents[16]
    bucket = VersionedBucket(*contents)
    with pytest.raises(NothingKeptError, match="version 17 of receipt_lines is not kept"):
        find_version(bucket.history(), 17)
    assert set(bucket.reads) == set(range(len(contents)))


@pytest.mark.parametrize("version", [MANY + 1, MANY * 2])
def test_a_version_that_is_not_kept_costs_few_reads(version: int) -> None:
    bucket = many()
    with pytest.raises(NothingKeptError):
        find_version(bucket.history(), version)
    assert len(bucket.reads) <= 40


def sizes(*dead_letters: str) -> dict[str, int]:
    return {pack_name(digest(dead_letter)): 1 for dead_letter in dead_letters}


def test_the_past_reaches_as_far_as_objects_are_there_and_reads_few_manifests() -> None:
    contents = [manifest(n, "a" if n <= 900 else "b") for n in range(1, MANY + 1)]
    bucket = VersionedBucket(*contents, a_page=500)
    past = PastVersions(bucket.history(), sizes("b"), MANY - 10)
    assert (len(past), past[0].number, past[-1].number) == (MANY - 910, 901, MANY - 10)
    assert past[-1].published_at == START + timedelta(minutes=MANY - 10)
    assert len(bucket.reads) <= 40


def test_a_past_version_that_can_not_be_read_counts_as_the_one_after_it() -> None:
    bucket = VersionedBucket(manifest(1), JUNK, manifest(3), manifest(4))
    past = PastVersions(bucket.history(), {}, 4)
    assert [version.number for version in past] == [1, 3, 3, 4]
    assert len(PastVersions(VersionedBucket().history(), {}, 4)) == 0


def test_a_copy_of_an_older_manifest_does_not_hide_the_verified_version() -> None:
    """A manual copy makes numbers fall, and it was taken for the verified version."""
    bucket = VersionedBucket(*(manifest(n) for n in (1, 2, 3, 4, 5, 6, 2, 3)))
    past = PastVersions(bucket.history(), {}, 6)
    assert [version.number for version in past] == [1, 2, 3, 4, 5, 6]
    newest = PastVersions(bucket.history(), {}, 3)
    assert [version.number for version in newest] == [1, 2, 3, 4, 5, 6, 2, 3]
    gone = PastVersions(bucket.history(), {}, 7)
    assert gone[-1].number == 3


def test_the_versions_between_a_restored_version_and_its_original_are_not_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their objects are deleted, those of the original are not. So `verify --since` failed."""
    originals = [manifest(n, "a") for n in (1, 2, 3)]
    replaced = [manifest(n, "b") for n in range(4, 11)]
    bucket: Any = VersionedBucket(*originals, *replaced, manifest(11, "a"))
    stored = [StoredObject(name, size, START) for name, size in sizes("a").items()]
    example = Example(Finding.DIFFERENT, Collection.LINES, "id")

    class Reader(nullcontext[Any]):
        def __init__(self, store: FrozenStore, *_: Any) -> None:
            super().__init__(self)
            self.store = store

        def refresh(self) -> None:
            got = self.store.manifest(None)
            assert isinstance(got, FetchedManifest)
            one = read_manifest(got.data, Collection.LINES)
            if missing(one, sizes("a")):
                raise SnapshotDamagedError(f"the objects of version {one.version} are gone")

        def get(self, _: Any) -> dict[str, Record]:
            return {"id": Record("id", {}, "same")}

    monkeypatch.setattr(since_tasks, "SnapshotReader", Reader)
    monkeypatch.setattr(since_tasks, "stored_objects", lambda *_: stored)
    connection = Connection(Names("t", "q", "b"), bucket, bucket, bucket)
    (found,) = since_tasks.add_since(connection, [example], {Collection.LINES: 11})
    assert found.since is not None
    assert (found.since.version, found.since.or_earlier) == (11, True)


def readable(bucket: VersionedBucket, *versions: int, published: bytes | None = b"other") -> Any:
    """Return what is found if only some versions can be read, and the versions that were tried."""
    tried: list[int] = []

    def is_readable(found: Found) -> bool:
        tried.append(found.chosen.version)
        return found.chosen.version in versions

    return newest_readable(bucket.history(), published, is_readable), tried


def test_the_newest_version_that_can_be_read_is_found_and_no_older_one_is_tried() -> None:
    bucket = VersionedBucket(*map(manifest, range(1, 10)), JUNK, manifest(11), a_page=3)
    found, tried = readable(bucket, 2, 7, 8)
    assert (found.chosen.version, found.newest.version, found.highest) == (8, 11, 11)
    assert tried == [11, 9, 8]
    assert bucket.reads[-1] == 7, "the place of version 8, because the first version is at place 0"


def test_unreadable_manifests_above_the_newest_raise_the_number_of_the_restored_version() -> None:
    found, tried = readable(VersionedBucket(manifest(1), manifest(2), JUNK, JUNK), 1)
    assert (found.chosen.version, found.highest, tried) == (1, 4, [2, 1])


def test_a_published_version_that_can_be_read_is_not_restored() -> None:
    newest = manifest(2)
    bucket = VersionedBucket(manifest(1), newest)
    assert readable(bucket, 1, 2, published=newest.to_json()) == (None, [2])


def test_the_newest_version_is_restored_if_its_manifest_was_deleted() -> None:
    found, _ = readable(VersionedBucket(manifest(1), manifest(2), None), 1, 2, published=None)
    assert found.chosen.version == 2


@pytest.mark.parametrize("versions", [(), (manifest(1), manifest(2)), (JUNK,), (manifest(0),)])
def test_without_a_readable_version_the_error_says_how_to_start_over(versions: Any) -> None:
    with pytest.raises(NothingKeptError, match=r"no readable version of receipt_lines.*repair"):
        readable(VersionedBucket(*versions), 0)


def kept(one: Manifest | None) -> KeptVersion:
    return KeptVersion("v", one.to_json() if one else JUNK, one)


def test_a_version_of_which_an_object_is_gone_or_cut_is_not_whole() -> None:
    one = manifest(1, "a", "b")
    assert row_of(kept(one), sizes("a", "b"), None).whole is None, "no command has checked them"
    assert row_of(kept(one), sizes("a"), None).missing == [pack_name(digest("b"))]
    cut = {**sizes("a"), pack_name(digest("b")): 0}
    assert row_of(kept(one), cut, None).whole is False
    assert row_of(kept(None), {}, None).whole is False


def test_a_version_is_called_whole_only_if_every_object_is_what_its_name_says() -> None:
    store, data = InMemorySnapshotStore(), (b"first", b"second")
    packs = tuple(PackReference(digest=digest_of(one), size=len(one)) for one in data)
    one = manifest(1).model_copy(update={"packs": packs})
    names = [pack_name(pack.digest) for pack in packs]
    listed = {name: len(content) for name, content in zip(names, data, strict=True)}
    store.objects = dict(zip(names, data, strict=True))
    assert row_of(kept(one), listed, Soundness(store)).whole is True
    store.objects[names[1]] = b"sEcond"
    row = row_of(kept(one), listed, Soundness(store))
    assert (row.whole, row.damaged) == (False, [names[1]])
    assert "1 are damaged" in row.in_words
    soundness = Soundness(store)
    soundness.damaged(one), soundness.damaged(one)
    assert store.reads[-2:] != [], "each object is fetched once"
    assert len(store.reads) == 6


def test_a_version_that_lacks_only_a_block_of_zeros_is_whole(tmp_path: Path) -> None:
    """A reader makes such a block itself, but the version was called damaged."""
    store = InMemorySnapshotStore()
    (tmp_path / "zeros").write_bytes(bytes(26))
    (tmp_path / "text").write_bytes(b"text")
    one = manifest(1).model_copy(update={"base": write_base(tmp_path, store).files})
    zeros = block_name(digest_of(bytes(26)))
    del store.objects[zeros]
    listed = {name: len(content) for name, content in store.objects.items()}
    assert row_of(kept(one), listed, None).missing == []
    row = row_of(kept(one), listed, Soundness(store))
    assert (row.whole, row.missing, row.damaged) == (True, [], [])
    store.objects[zeros] = b"junk"
    assert row_of(kept(one), {**listed, zeros: 4}, Soundness(store)).whole is True


def stored(dead_letter: str, minutes: float) -> StoredObject:
    return StoredObject(pack_name(digest(dead_letter)), 1, START + timedelta(minutes=minutes))


def found_garbage(bucket: VersionedBucket, *objects: StoredObject, hours: float = 1) -> list[str]:
    (newest,) = [v for v in bucket.versions[-1:] if isinstance(v, Manifest)]
    retired_lists = RetiredLists(InMemorySnapshotStore())
    now = START + timedelta(days=30)
    found = garbage(objects, newest, bucket.history(), retired_lists, now, timedelta(hours=hours))
    return [one.name[-1] for one in found]


def test_garbage_is_what_no_version_names_and_what_is_older_than_the_grace() -> None:
    bucket = VersionedBucket(manifest(1, "a"), manifest(2, retired=["b"]))
    young = stored("d", 30 * 24 * 60 - 1)
    objects = (stored("a", 0), stored("b", 0), stored("c", 0), young)
    assert found_garbage(bucket, *objects) == ["c"]


def test_before_the_first_publish_has_ended_nothing_is_garbage() -> None:
    assert found_garbage(VersionedBucket(manifest(0)), stored("a", 0)) == []


def test_without_a_candidate_no_earlier_version_is_read() -> None:
    bucket = many()
    assert found_garbage(bucket, stored("d", 30 * 24 * 60 - 1)) == []
    assert bucket.reads == []


def test_only_versions_that_were_stored_soon_after_an_object_are_read() -> None:
    bucket = many()
    assert found_garbage(bucket, stored("a", 700.5)) == ["a"]
    assert sorted(bucket.reads) == list(range(701, 761))


def test_nothing_is_garbage_while_a_version_that_may_name_it_can_not_be_read() -> None:
    bucket = VersionedBucket(manifest(1), JUNK, manifest(3))
    with pytest.raises(GarbageUnknownError, match="deleted nothing"):
        found_garbage(bucket, stored("a", 0))


class Moments(datetime):
    """A moment that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: Any) -> bool:
        Moments.compared += 1
        return super().__lt__(other)

    def __le__(self, other: Any) -> bool:
        Moments.compared += 1
        return super().__le__(other)


def comparisons(size: int) -> int:
    """Compare as many objects without a name with as many versions, of which none is near."""
    bucket = VersionedBucket(*(manifest(n) for n in range(1, size + 1)))
    old = [
        StoredObject(f"packs/{n:064x}", 1, Moments.fromtimestamp(START.timestamp() - 1e5 - n, UTC))
        for n in range(size)
    ]
    early = StoredObject(pack_name(digest("a")), 1, START - timedelta(days=2))
    Moments.compared = 0
    newest = manifest(size)
    retired_lists, now = RetiredLists(InMemorySnapshotStore()), START + timedelta(days=30)
    found = garbage([early, *old], newest, bucket.history(), retired_lists, now, timedelta(hours=1))
    assert len(found) == size + 1
    return Moments.compared


def test_the_search_for_garbage_does_not_compare_every_version_with_every_object() -> None:
    assert comparisons(2_000) < 3 * comparisons(1_000)
