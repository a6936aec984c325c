"""The present Chroma opens, searches and extends what an earlier Chroma has written."""

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import chromadb
import pytest

from compactor.cycle.plan import Plan
from compactor.cycle.readback import read_back
from receipt_index.chroma import ChromaIndex
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from tests.functional.snapshot.test_format import check
from tests.support.data.make_chroma_snapshot import DATA, PREFIX
from tests.support.data.make_snapshot import record, vector
from tests.support.fakes.snapshots import InMemorySnapshotStore

FOLDERS = sorted(DATA.glob(f"{PREFIX}*"))


@dataclass(frozen=True)
class Written:
    """A snapshot that one version of Chroma wrote, and the records that it must contain."""

    store: InMemorySnapshotStore
    expected: dict[str, Any]


@pytest.fixture(params=FOLDERS, ids=lambda folder: folder.name)
def written(request: pytest.FixtureRequest) -> Written:
    objects, store = request.param / "objects", InMemorySnapshotStore()
    for path in objects.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            store.objects[path.relative_to(objects).as_posix()] = path.read_bytes()
    store.data = (objects / "manifest.json").read_bytes()
    return Written(store, json.loads((request.param / "expected.json").read_text()))


def minor(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def test_the_minor_version_before_the_present_one_is_here_and_the_present_one_too() -> None:
    """An upgrade must open the previous version's snapshot. CONTRIBUTING says how to add one."""
    kept = {minor(folder.name.removeprefix(PREFIX)) for folder in FOLDERS}
    present = minor(chromadb.__version__)
    assert present in kept, "run `python -m tests.support.data.make_chroma_snapshot`"
    assert any(version < present for version in kept)


def test_it_is_opened_and_searched(written: Written, tmp_path: Path) -> None:
    with SnapshotReader(written.store, Collection.LINES, tmp_path) as reader:
        assert reader.refresh()
        assert any("index_metadata.pickle" in name for name in _files(written))
        check(reader, written.expected)
        (match,) = reader.search(vector(99), 1)
        assert match.record.document == "again"


def test_it_is_compacted_onto(written: Written, tmp_path: Path) -> None:
    """The test writes so much that the present Chroma also persists the vector index."""
    settings = CopySettings("present", timedelta(hours=1))
    copy = WorkingCopy(
        written.store, Collection.LINES, tmp_path / "w", ChromaIndex, SystemClock(), settings
    )
    index = copy.checkout()
    assert isinstance(index, ChromaIndex)
    added = [record(number) for number in range(100, 140)]
    (gone, kept), rest = sorted(written.expected["records"])[:2], written.expected
    copy.mark_dirty()
    index.insert(added)
    index.update({kept: {"text": "renamed"}})
    index.delete([gone])
    read_back(index, Plan(insert=added, update={kept: {"text": "renamed"}}, delete=[gone]))
    before = _files(written)
    copy.publish(index.count())
    copy.close()
    assert _files(written) != before
    records = {**rest["records"], **{a.id: [a.document, a.metadata] for a in added}}
    records[kept] = [records[kept][0], {**records[kept][1], "text": "renamed"}]
    vectors = {**rest["vectors"], **{a.id: a.vector for a in added}}
    expected = {"records": {i: r for i, r in records.items() if i != gone}, "vectors": vectors}
    with SnapshotReader(written.store, Collection.LINES, tmp_path / "r") as reader:
        assert reader.refresh()
        check(reader, expected)


def _files(written: Written) -> dict[str, int]:
    files: dict[str, int] = json.loads(written.store.data or b"")["files"]
    return files
