"""Objects whose deletion S3 refused are counted while they are announced, and deleted later."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from receipt_index.snapshot.format.manifest import block_name
from receipt_index.snapshot.store.orphan_gc import delete_orphans
from receipt_index.snapshot.store.retired_lists import RetiredLists
from receipt_index.snapshot.store.retirement import GRACE
from receipt_ops.connection import Connection, Names
from receipt_ops.screens.snapshots import garbage_json, print_garbage
from receipt_ops.snapshots import tasks
from receipt_ops.snapshots.garbage import Announced, StoredObject, announced, garbage
from receipt_ops.snapshots.kept_versions import Entry, KeptVersion, Page
from receipt_sync.errors import ObjectsNotDeletedError
from receipt_sync.keys import Collection
from tests.unit.receipt_index.snapshot.setting import RETENTION, Setting
from tests.unit.receipt_ops.snapshots.versions import digest, manifest

LINES = Collection.LINES
DAY = timedelta(days=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ORPHANS = [block_name(digest("a")), block_name(digest("b"))]


class NoHistory:
    """A bucket that keeps no earlier manifest."""

    def pages(self) -> Iterable[Page]:
        return iter(())

    def read(self, entries: Iterable[Entry]) -> Iterable[KeptVersion]:
        return iter(())


class Bucket(Setting):
    """A snapshot beside which a crash left two objects, a day and an hour ago."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.stored_at = self.clock.now()
        self.publish(self.copy("one"), a="1")
        self.store.objects |= dict.fromkeys(ORPHANS, b"left behind")
        self.clock.sleep(25 * 3600)

    def listed(self) -> list[StoredObject]:
        return [
            StoredObject(name, len(data), self.stored_at)
            for name, data in self.store.objects.items()
        ]

    def garbage(self) -> list[str]:
        now, lists = self.clock.now(), RetiredLists(self.store)
        found = garbage(self.listed(), self.manifest(), NoHistory(), lists, now, DAY)  # type: ignore[arg-type]
        return [one.name for one in found]

    def announced(self) -> Announced:
        lists = RetiredLists(self.store)
        return announced(self.listed(), self.manifest(), lists, lambda: RETENTION)

    def delete(self) -> list[str]:
        return delete_orphans(self.store, LINES, self.garbage(), self.clock, "gc")


class AnsweringS3:
    """S3 that holds the orphans, and refuses or silently leaves out some of their deletions."""

    def __init__(
        self,
        patch: pytest.MonkeyPatch,
        refused: list[str],
        kept_silently: Sequence[str] = (),
    ) -> None:
        self.there = {*refused, *kept_silently}
        self._refused = refused
        patch.setattr(tasks, "store_of", lambda *_: self)
        patch.setattr(tasks, "announce_orphans", lambda _store, _collection, names, *_: names)
        patch.setattr(
            tasks,
            "stored_objects",
            lambda *_: [StoredObject(name, 1, NOW) for name in self.there],
        )

    def delete(self, names: Iterable[str]) -> None:
        assert set(names) == set(ORPHANS)
        raise ObjectsNotDeletedError(self._refused, "AccessDenied")

    def delete_garbage(self) -> list[StoredObject]:
        client: Any = None
        connection = Connection(Names("t", "q", "b"), client, client, client)
        found = [StoredObject(name, 1, NOW) for name in ORPHANS]
        return tasks.delete_garbage(connection, LINES, found)


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    bucket = Bucket(tmp_path)

    def refuse(names: Iterable[str]) -> None:
        raise ObjectsNotDeletedError(list(names), "AccessDenied")

    with monkeypatch.context() as patch:
        patch.setattr(bucket.store, "delete", refuse)
        with pytest.raises(ObjectsNotDeletedError, match="AccessDenied"):
            bucket.delete()
    return bucket


def test_objects_that_s3_did_not_delete_are_counted_with_the_time_to_wait_for(
    bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second run said that it had deleted 0 objects, and no more."""
    found = bucket.announced()
    assert bucket.garbage() == []
    assert [stored.name for stored in found.objects] == ORPHANS
    assert found.until == bucket.clock.now() + GRACE, "longer than the retention of these tests"
    content = garbage_json([], found, dry_run=False)
    assert content["announced"] == ORPHANS
    assert content["announced_until"] == found.until.isoformat()
    print_garbage([], found, dry_run=False)
    printed = capsys.readouterr().out
    assert "2 objects of 0.0 MiB still exist" in printed
    assert "first publish after 20" in printed
    assert "Run the command again after that." in printed


def test_they_are_deleted_by_a_run_after_the_first_publish_after_that_time(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    until = bucket.announced().until
    assert until is not None
    one = bucket.copy("two")
    bucket.publish(one, b="2")
    assert [stored.name for stored in bucket.announced().objects] == ORPHANS
    assert bucket.garbage() == []
    bucket.clock.sleep((until - bucket.clock.now()).total_seconds())
    assert bucket.garbage() == [], "no version is published since, so the old one announces them"
    bucket.publish(one, c="3")
    assert bucket.announced().objects == []
    assert set(ORPHANS) <= set(bucket.store.objects), "the compactor does not delete them"
    assert sorted(bucket.delete()) == ORPHANS
    assert set(ORPHANS).isdisjoint(bucket.store.objects)
    assert bucket.announced() == Announced([], None)
    assert bucket.records(bucket.copy("cold")) == {"a": "1", "b": "2", "c": "3"}


def test_without_a_known_retention_the_time_is_unknown(
    bucket: Bucket, capsys: pytest.CaptureFixture[str]
) -> None:
    lists = RetiredLists(bucket.store)
    found = announced(bucket.listed(), bucket.manifest(), lists, lambda: None)
    assert [stored.name for stored in found.objects] == ORPHANS
    assert found.until is None
    print_garbage([], found, dry_run=True)
    assert "first publish after its retention" in capsys.readouterr().out


def test_without_such_objects_nothing_asks_for_the_retention() -> None:
    def retention() -> timedelta:
        raise AssertionError("no permission for this")

    newest = manifest(1, "a", retired=["b"])
    lists = RetiredLists(Setting(Path()).store)
    assert announced([], newest, lists, retention) == Announced([], None)


def test_a_refused_deletion_advises_to_run_the_command_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It said that `snapshot gc` deletes them, to an operator who had just run that command."""
    s3 = AnsweringS3(monkeypatch, refused=ORPHANS)
    with pytest.raises(tasks.NotDeletedError) as raised:
        s3.delete_garbage()
    assert str(raised.value).startswith(
        f"S3 has not deleted 2 of 2 objects (AccessDenied), among them {ORPHANS[0]}: check that "
        "your role may call s3:DeleteObject."
    )
    assert "run the command again" in str(raised.value)


def test_objects_that_an_answer_with_errors_leaves_out_are_counted_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It said that S3 had not deleted 1 object, while 2 still existed."""
    s3 = AnsweringS3(monkeypatch, refused=ORPHANS[:1], kept_silently=ORPHANS[1:])
    with pytest.raises(tasks.NotDeletedError, match=r"^S3 has not deleted 2 of 2 objects \(Acc"):
        s3.delete_garbage()


def test_objects_that_are_gone_despite_an_error_are_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    s3 = AnsweringS3(monkeypatch, refused=ORPHANS)
    s3.there.clear()
    assert [stored.name for stored in s3.delete_garbage()] == ORPHANS
