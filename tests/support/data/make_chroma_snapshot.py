"""Writes a small snapshot of the installed Chroma into snapshot-chroma-<version> beside this file.

    python -m tests.support.data.make_chroma_snapshot

Run it once for each version of Chroma, before the next version is installed. The tests need the
files of an earlier Chroma. The records are those of make_snapshot. The vector index is written
after every eight rows instead of a thousand, so that the snapshot has its files.
"""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import chromadb

from receipt_index.chroma import ChromaIndex
from tests.support.data.make_snapshot import publish
from tests.support.fakes.snapshots import InMemorySnapshotStore

DATA: Final = Path(__file__).parent
PREFIX: Final = "snapshot-chroma-"
OFTEN_PERSISTED: Final[Mapping[str, Any]] = {
    "configuration": {"hnsw": {"space": "cosine", "sync_threshold": 8, "batch_size": 4}},
    "embedding_function": None,
}


def _close(index: ChromaIndex) -> None:
    """Chroma before 1.5 has no close of its own."""
    getattr(index._client, "close", index._client._system.stop)()


def main() -> None:
    store = InMemorySnapshotStore()
    with (
        tempfile.TemporaryDirectory() as folder,
        patch("receipt_index.chroma.COLLECTION", OFTEN_PERSISTED),
        patch.object(ChromaIndex, "close", _close),
    ):
        expected = publish(store, Path(folder))
    assert store.data is not None
    target = DATA / f"{PREFIX}{chromadb.__version__}"
    target.mkdir()  # not over one that is there
    for name, data in {**store.objects, "manifest.json": store.data}.items():
        path = target / "objects" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    text = json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False)
    (target / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
