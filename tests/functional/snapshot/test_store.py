"""A snapshot's objects on the local S3."""

import pytest
from mypy_boto3_s3 import S3Client

from receipt_index.s3_delta_store import S3DeltaStore
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_index.snapshot.store.snapshot_store import Absent, FetchedManifest, NotModified
from receipt_sync.errors import DeltaRefusedError, PublishRefusedError, SnapshotDamagedError
from receipt_sync.keys import Collection


@pytest.fixture
def store(s3: S3Client, bucket: str) -> S3SnapshotStore:
    return S3SnapshotStore(s3, bucket, Collection.LINES)


def test_the_first_manifest_is_written_only_where_there_is_none(store: S3SnapshotStore) -> None:
    assert isinstance(store.manifest(None), Absent)
    store.swap_manifest(b"one", None)
    with pytest.raises(PublishRefusedError):
        store.swap_manifest(b"other", None)


def test_a_manifest_is_swapped_only_for_the_version_checked_out(store: S3SnapshotStore) -> None:
    first = store.swap_manifest(b"one", None)
    second = store.swap_manifest(b"two", first)
    with pytest.raises(PublishRefusedError):
        store.swap_manifest(b"late", first)
    got = store.manifest(first)
    assert isinstance(got, FetchedManifest)
    assert (got.data, got.etag) == (b"two", second)


def test_an_unchanged_manifest_is_not_sent_again(store: S3SnapshotStore) -> None:
    tag = store.swap_manifest(b"one", None)
    assert isinstance(store.manifest(tag), NotModified)


def test_a_swap_of_a_deleted_manifest_is_refused(
    store: S3SnapshotStore, s3: S3Client, bucket: str
) -> None:
    tag = store.swap_manifest(b"one", None)
    s3.delete_object(Bucket=bucket, Key="snapshots/receipt_lines/manifest.json")
    with pytest.raises(PublishRefusedError):
        store.swap_manifest(b"two", tag)


def test_objects_are_kept_and_dropped_by_name(store: S3SnapshotStore) -> None:
    store.write("packs/a", b"x" * 100_000)
    assert store.read("packs/a", 100_000) == b"x" * 100_000
    with pytest.raises(
        SnapshotDamagedError, match="has 100000 bytes, but at most 99999 are allowed"
    ):
        store.read("packs/a", 99_999)
    store.delete(["packs/a", "packs/never-there"])
    with pytest.raises(SnapshotDamagedError, match="packs/a is gone"):
        store.read("packs/a", 100_000)


def test_objects_without_a_manifest_are_seen_and_a_manifest_alone_is_none(
    store: S3SnapshotStore,
) -> None:
    assert not store.holds_objects()
    store.swap_manifest(b"one", None)
    assert not store.holds_objects()
    store.write("packs/a", b"x")
    assert store.holds_objects()


def test_collections_do_not_share_a_manifest(
    s3: S3Client, bucket: str, store: S3SnapshotStore
) -> None:
    store.swap_manifest(b"one", None)
    words = S3SnapshotStore(s3, bucket, Collection.WORDS)
    assert isinstance(words.manifest(None), Absent)


def test_a_delta_that_is_not_there_is_refused_for_good(s3: S3Client, bucket: str) -> None:
    deltas = S3DeltaStore(s3, bucket)
    s3.put_object(Bucket=bucket, Key="deltas/a.npz", Body=b"data")
    assert deltas.read("deltas/a.npz") == b"data"
    with pytest.raises(DeltaRefusedError, match=r"there is no object deltas/b\.npz"):
        deltas.read("deltas/b.npz")
