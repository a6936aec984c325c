"""Prepares a local AWS with a collection of a given size in its table and its bucket."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import boto3

from benchmarks.local_aws import LocalAWS, local_aws
from benchmarks.meters.corpus import COLLECTION, Corpus, corpus_of
from benchmarks.meters.folder_store import FolderStore
from benchmarks.meters.snapshots import seed_bucket, snapshot_of
from benchmarks.reporting.screen import Bars
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_ops.loading.table_writer import TableWriter
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from receipt_sync.retries.retry_until_accepted import RetryUntilAccepted
from receipt_sync.sequences import batches

_ITEMS_AT_A_TIME = 1_000


@dataclass(frozen=True)
class Environment:
    """The parts that the candidates share. `snapshot` holds the words."""

    aws: LocalAWS
    corpus: Corpus
    snapshot: FolderStore
    writer: TableWriter

    @property
    def folder(self) -> Path:
        """A folder for the candidates' files."""
        return self.aws.folder

    @property
    def size(self) -> int:
        """The number of words in the collection."""
        return len(self.corpus.words)


@contextmanager
def prepared(
    size: int, dimension: int, bars: Bars, collections: Sequence[Collection] = (COLLECTION,)
) -> Iterator[Environment]:
    """Yield a local AWS whose table and bucket hold `size` words, and their lines if asked for.

    Snapshots that an earlier run has built are used again.
    """
    corpus = corpus_of(size, dimension, collections)
    snapshots = {one: _snapshot(corpus, one, bars) for one in collections}
    with local_aws() as aws:
        environment = Environment(aws, corpus, snapshots[COLLECTION], _writer(aws))
        _fill_table(environment, bars)
        for collection, snapshot in snapshots.items():
            with bars.bar(f"{collection} into the bucket", None) as advance:
                seed_bucket(snapshot, bucket_store(aws, collection), advance)
        yield environment


def bucket_store(aws: LocalAWS, collection: Collection) -> S3SnapshotStore:
    """Return the store to which the compactor of this AWS publishes."""
    return S3SnapshotStore(boto3.client("s3"), aws.stack.names.bucket, collection)


def _snapshot(corpus: Corpus, collection: Collection, bars: Bars) -> FolderStore:
    size = len(corpus.members[collection])
    with bars.bar(f"{size:,} of {collection}", size) as advance:
        return snapshot_of(corpus, collection, advance)


def _fill_table(environment: Environment, bars: Bars) -> None:
    entities = environment.corpus.entities
    with bars.bar(f"{len(entities):,} items into the table", len(entities)) as advance:
        for some in batches(entities, _ITEMS_AT_A_TIME):
            environment.writer.put(some)
            advance(len(some))


def _writer(aws: LocalAWS) -> TableWriter:
    """Return a writer with a session that is not counted: producers' writes are not our cost."""
    dynamodb = boto3.Session().client("dynamodb")
    return TableWriter(
        dynamodb, aws.stack.names.table, RetryUntilAccepted(SystemClock(), Random(1))
    )
