"""Writes a small snapshot of the present format into tests/support/data/snapshot-format-<n>.

    python -m tests.support.data.make_snapshot

Run it once for each format, and never again for a committed one. The tests need the files of an
earlier version of the code. The snapshot has twenty lines of eight dimensions: a base of ten, and a
pack that adds ten. A new base has a change, a deletion and a new vector. A last pack follows.
"""

import json
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from receipt_index.exact.index import ExactIndex
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import Metadata, NewVector
from receipt_index.snapshot.copies import working_copy
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format.manifest import FORMAT
from receipt_sync.keys import Collection
from tests.support.fakes.clock import ManualClock
from tests.support.fakes.snapshots import InMemorySnapshotStore
from tests.support.fakes.system import line

FOLDER: Final = Path(__file__).parent / f"snapshot-format-{FORMAT}"
DIMENSION: Final = 8


def vector(number: int) -> NDArray[np.float32]:
    return np.random.default_rng(number).random(DIMENSION, dtype=np.float32) - np.float32(0.5)


def record(number: int) -> NewVector:
    metadata: Metadata = {
        "image_id": "img",
        "receipt_id": 1,
        "line_id": number,
        "text": f"text {number} ü\x00",
        "confidence": number / 7,
        "is_noise": number % 2 == 0,
        "delta_id": "01HZX0000000000000000000AA",
    }
    return NewVector(line(number).chroma_id, vector(number), f"text {number} ü\x00", metadata)


def publish(store: InMemorySnapshotStore, folder: Path) -> dict[str, object]:
    """Four versions; returns what a reader must find in the last."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    settings = CopySettings("make_snapshot", timedelta(days=1))
    copy = WorkingCopy(store, Collection.LINES, folder, open_exact_chroma, clock, settings)

    def version(*write: tuple[str, object]) -> ExactIndex:
        index = copy.checkout()
        assert isinstance(index, ExactIndex)
        copy.mark_dirty()
        for method, argument in write:
            getattr(index, method)(argument)
        copy.publish(index.count())
        clock.advance(60)
        return index

    version(("insert", [record(number) for number in range(10)]))
    version(("insert", [record(number) for number in range(10, 20)]))
    with patch.object(working_copy, "MAX_PACKS", 1):
        version(
            ("update", {line(3).chroma_id: {"text": "changed", "is_noise": None}}),
            ("delete", [line(4).chroma_id]),
        )
    again = NewVector(line(5).chroma_id, vector(99), "again", {"text": "again"})
    index = version(("replace_vectors", [again]))
    ids = list(index.ids())
    expected = {
        "version": copy.version,
        "records": {i: [r.document, dict(r.metadata)] for i, r in index.get(ids).items()},
        "vectors": {i: v.tolist() for i, v in index.vectors(ids).items()},
    }
    copy.close()
    return expected


def main() -> None:
    store = InMemorySnapshotStore()
    with tempfile.TemporaryDirectory() as folder:
        expected = publish(store, Path(folder))
    assert store.data is not None
    FOLDER.mkdir()  # not over one that is there
    for name, data in {**store.objects, "manifest.json": store.data}.items():
        path = FOLDER / "objects" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    text = json.dumps(expected, indent=1, sort_keys=True, ensure_ascii=False)
    (FOLDER / "expected.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
