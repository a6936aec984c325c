"""The present code reads and extends what an earlier version of the code has written."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compactor.cycle.plan import Plan, same
from compactor.cycle.readback import read_back
from receipt_index.exact.index import ExactIndex
from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.server.version import Claim, ServerVersion
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format import manifest as module
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from tests.support.data import make_snapshot
from tests.support.fakes.snapshots import InMemorySnapshotStore

DATA = Path(make_snapshot.__file__).parent
DOCUMENT = Path(__file__).parents[3] / "docs" / "snapshot-format.md"
FIRST_EXACT = 4
FOLDERS = sorted(DATA.glob("snapshot-format-*"))


@dataclass(frozen=True)
class Earlier:
    """A committed snapshot, and the records that a reader must find in it."""

    format: int
    store: InMemorySnapshotStore
    expected: dict[str, Any]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def earlier(request: pytest.FixtureRequest) -> Earlier:
    objects, store = request.param / "objects", InMemorySnapshotStore()
    for path in objects.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            store.objects[path.relative_to(objects).as_posix()] = path.read_bytes()
    store.data = (objects / "manifest.json").read_bytes()
    number = int(request.param.name.rpartition("-")[2])
    return Earlier(number, store, json.loads((request.param / "expected.json").read_text()))


def check(found: SnapshotReader, expected: dict[str, Any]) -> None:
    ids = list(expected["records"])
    assert sorted(found.ids()) == sorted(ids)
    records, vectors = found.get(ids), found.vectors(ids)
    for chroma_id, (document, metadata) in expected["records"].items():
        assert records[chroma_id].document == document
        assert set(records[chroma_id].metadata) == set(metadata)
        assert all(same(records[chroma_id].metadata[name], metadata[name]) for name in metadata)
        np.testing.assert_allclose(
            _direction(vectors[chroma_id]), _direction(expected["vectors"][chroma_id]), atol=1e-6
        )


def test_every_format_that_was_ever_published_is_here() -> None:
    assert [folder.name for folder in FOLDERS] == [
        f"snapshot-format-{number}" for number in range(1, module.FORMAT + 1)
    ]


def test_a_reader_opens_it(earlier: Earlier, tmp_path: Path) -> None:
    with SnapshotReader(earlier.store, Collection.LINES, tmp_path) as reader:
        assert reader.refresh()
        assert reader.version == earlier.expected["version"]
        check(reader, earlier.expected)
        assert reader.search_is_exact is (earlier.format >= FIRST_EXACT)
        (match,) = reader.search(make_snapshot.vector(99), 1)
        assert match.record.document == "again"


def test_a_worker_publishes_on_top_of_it(earlier: Earlier, tmp_path: Path) -> None:
    settings = CopySettings("present", timedelta(hours=1))
    copy = WorkingCopy(
        earlier.store, Collection.LINES, tmp_path / "w", open_exact_chroma, SystemClock(), settings
    )
    index = copy.checkout()
    assert isinstance(index, ExactIndex)
    added = make_snapshot.record(77)
    copy.mark_dirty()
    index.insert([added])
    read_back(index, Plan(insert=[added]))
    assert copy.publish(index.count()).version == earlier.expected["version"] + 1
    copy.close()
    expected = {
        "records": {
            **earlier.expected["records"],
            added.id: [added.document, added.metadata],
        },
        "vectors": {**earlier.expected["vectors"], added.id: added.vector},
    }
    with SnapshotReader(earlier.store, Collection.LINES, tmp_path / "r") as reader:
        assert reader.refresh()
        check(reader, expected)
        assert reader.search_is_exact


def test_what_is_made_today_is_what_is_committed_for_the_present_format(tmp_path: Path) -> None:
    """The bytes differ, because Chroma draws ids. Every field and every search result is equal."""
    store = InMemorySnapshotStore()
    made = make_snapshot.publish(store, tmp_path)
    committed = json.loads((make_snapshot.FOLDER / "expected.json").read_text())
    assert json.loads(json.dumps(made)) == committed
    manifest = json.loads((make_snapshot.FOLDER / "objects" / "manifest.json").read_text())
    assert set(json.loads(store.data or b"")) == set(manifest)


def _direction(vector: Any) -> np.ndarray:
    """Return the normalised vector. Chroma normalises a vector when it indexes it."""
    direction: np.ndarray = np.asarray(vector) / np.linalg.norm(vector)
    return direction


# --- the document


def test_the_document_says_what_the_code_says() -> None:
    text = DOCUMENT.read_text()
    fields = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    for model in (
        module.Manifest,
        module.BaseFile,
        module.PackReference,
        module.Retired,
        module.Restored,
        ServerVersion,
        Claim,
    ):
        assert set(model.model_fields) <= fields, model
    for number in (
        module.BLOCK_SIZE,
        module.MAX_MANIFEST_BYTES,
        module.MAX_FILES,
        module.MAX_PACKS,
        module.MAX_FILE_SIZE,
    ):
        assert f"{number:,}" in text
    assert f"format {module.FORMAT}" in text
