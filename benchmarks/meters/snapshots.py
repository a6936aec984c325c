"""Builds published snapshots of the corpus with the compactor's own code, and keeps them.

A snapshot of 50,000 records takes minutes to build, but only seconds to copy into a bucket.
"""

import shutil
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Final

from benchmarks.meters.corpus import COLLECTION, Corpus
from benchmarks.meters.folder_store import FolderStore
from benchmarks.paths import DATA
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.snapshot.copies.mirror import Mirror
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format.manifest import FORMAT
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection

Advance = Callable[[int], None]
_THREADS: Final = 4


def snapshot_of(corpus: Corpus, collection: Collection, advance: Advance) -> FolderStore:
    """Return the published snapshot of a collection. Build it if no earlier run has built it."""
    name = (
        f"{collection}-{len(corpus.members[collection])}x{corpus.dimension}"
        f"-chroma{version('chromadb')}-format{FORMAT}-{corpus.digest(collection)}"
    )
    folder = DATA / name
    if not folder.exists():
        _build(corpus, collection, folder, advance)
    return FolderStore(folder)


def restore(snapshot: FolderStore, folder: Path) -> Path:
    """Restore the snapshot's Chroma files below `folder`. Return the folder that holds them."""
    mirror = Mirror(snapshot, COLLECTION, folder)
    mirror.refresh()
    return mirror.folder


def seed_bucket(snapshot: FolderStore, target: S3SnapshotStore, advance: Advance) -> None:
    """Copy a snapshot's objects into a bucket without a snapshot, the manifest last."""
    *objects, (_, manifest) = snapshot.objects()
    with ThreadPoolExecutor(_THREADS) as pool:
        for size in pool.map(lambda named: _put(target, *named), objects):
            advance(size)
    target.swap_manifest(manifest.read_bytes(), None)


def _put(target: S3SnapshotStore, name: str, path: Path) -> int:
    data = path.read_bytes()
    target.write(name, data)
    return len(data)


def _build(corpus: Corpus, collection: Collection, folder: Path, advance: Advance) -> None:
    """Build in a scratch folder and rename it, so that an interrupted build is never used."""
    scratch = folder.with_name(f"{uuid.uuid4()}.building")
    settings = CopySettings("benchmarks", timedelta(days=1))
    store = FolderStore(scratch / "objects")
    copy = WorkingCopy(
        store, collection, scratch / "copy", open_exact_chroma, SystemClock(), settings
    )
    try:
        index = copy.checkout()
        copy.mark_dirty()
        for records in corpus.records(collection):
            index.insert(records)
            advance(len(records))
        copy.publish(index.count())
        copy.close()
        (scratch / "objects").rename(folder)
    finally:
        shutil.rmtree(scratch)
