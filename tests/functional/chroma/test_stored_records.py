"""Records that are read from Chroma's tables are those that Chroma's own `get` returns.

Chroma 1.5.9 keeps its tables in SQLite. A new version of Chroma may change them. Then these tests
fail, and the index asks Chroma until the schema version is known again.
"""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import chromadb
import numpy as np
import pytest

from receipt_index import chroma_rows
from receipt_index.chroma import ChromaIndex, CollectionIndex
from receipt_index.chroma_rows import FILE, StoredRecords
from receipt_index.records import NewVector, Record
from receipt_sync.errors import IndexFailedError
from receipt_sync.keys import Collection

VALUES: tuple[Any, ...] = (
    "",
    "text",
    "ünïcödé \u20ac \U0001f9fe",
    "a\nb\t\x01",
    '"quotes" and \\',
    0,
    -1,
    2**53 + 1,
    -(2**63),
    2**63 - 1,
    0.0,
    -0.0,
    1.0,
    0.1,
    1e-300,
    1.7976931348623157e308,
    5e-324,
    True,
    False,
)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ChromaIndex]:
    opened = ChromaIndex(tmp_path, Collection.LINES)
    yield opened
    opened.close()


def vector(number: int) -> np.ndarray:
    return np.random.default_rng(number).random(4, dtype=np.float32)


def by_chroma(index: ChromaIndex, ids: Sequence[str]) -> dict[str, Record]:
    return CollectionIndex.get(index, ids)


def exact(records: dict[str, Record]) -> dict[str, Any]:
    """Return records so that 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    return {
        i: ({k: repr(v) for k, v in r.metadata.items()}, r.document) for i, r in records.items()
    }


def is_direct(index: ChromaIndex) -> bool:
    return index._stored is not None


def test_every_kind_of_value_is_read_as_chroma_reads_it(index: ChromaIndex) -> None:
    index.insert(
        [
            NewVector(f"id {n} \u20ac'\"", vector(n), f"document {n}", {"value": value, "n": n})
            for n, value in enumerate(VALUES)
        ]
    )
    ids = list(index.ids())
    assert is_direct(index)
    assert len(ids) == len(VALUES)
    assert exact(index.get(ids)) == exact(by_chroma(index, ids))


def test_random_histories_of_writes_are_read_as_chroma_reads_them(index: ChromaIndex) -> None:
    randomness = Random(7)
    names = [f"field_{n}" for n in range(6)]
    live: set[str] = set()
    for step in range(60):
        new = [f"r{step}-{n}" for n in range(randomness.randrange(4))]
        index.insert(
            [
                NewVector(
                    i, vector(step), randomness.choice(["", "text", i]), _some(randomness, names)
                )
                for i in new
            ]
        )
        live |= set(new)
        changed = randomness.sample(sorted(live), len(live) // 3)
        index.update({i: _some(randomness, names) for i in changed})
        index.replace_vectors(
            [NewVector(i, vector(step), "new", _some(randomness, names)) for i in changed[:2]]
        )
        gone = randomness.sample(sorted(live), len(live) // 8)
        index.delete(gone)
        live -= set(gone)
        asked = [*live, *gone, "never"]
        found = index.get(asked)
        assert set(found) == live
        assert exact(found) == exact(by_chroma(index, asked))


def _some(randomness: Random, names: Sequence[str]) -> dict[str, Any]:
    chosen = randomness.sample(names, randomness.randrange(1, len(names)))
    return {name: randomness.choice([*VALUES, None]) for name in chosen} | {"always": 1}


def test_records_without_metadata_or_document_are_read(tmp_path: Path) -> None:
    client: Any = chromadb.PersistentClient(str(tmp_path))
    collection = client.create_collection("receipt_lines", embedding_function=None)
    collection.add(ids=["bare"], embeddings=[[1.0, 0.0]])
    collection.add(ids=["meta"], embeddings=[[1.0, 0.0]], metadatas=[{"a": 1}])
    collection.add(ids=["doc"], embeddings=[[1.0, 0.0]], documents=["d"])
    collection.add(ids=["uri"], embeddings=[[1.0, 0.0]], uris=["file:///x"], documents=["d"])
    client.close()
    opened = ChromaIndex(tmp_path, Collection.LINES)
    ids = ["bare", "meta", "doc", "uri"]
    assert exact(opened.get(ids)) == exact(by_chroma(opened, ids))
    assert set(opened.get(ids)) == set(ids)
    opened.close()


def test_keys_beside_those_of_chroma_itself_are_read(index: ChromaIndex) -> None:
    names = ("chroma", "chroma;", "chroma;x", "CHROMA:x", "Chroma:document", "chromb", "x chroma:")
    index.insert([NewVector("a", vector(1), "d", dict.fromkeys(names, 1))])
    assert set(index.get(["a"])["a"].metadata) == set(names)
    assert exact(index.get(["a"])) == exact(by_chroma(index, ["a"]))


def test_other_collections_of_the_same_folder_are_not_read(tmp_path: Path) -> None:
    lines = ChromaIndex(tmp_path, Collection.LINES)
    lines.insert([NewVector("same", vector(1), "line", {"n": 1})])
    words = ChromaIndex(tmp_path, Collection.WORDS)
    words.insert([NewVector("same", vector(2), "word", {"n": 2})])
    assert words.get(["same"])["same"].document == "word"
    assert lines.get(["same"])["same"].document == "line"
    words.delete(["same"])
    assert (words.get(["same"]), lines.get(["same"])["same"].document) == ({}, "line")
    lines.close()
    words.close()


def test_more_ids_than_one_query_takes_and_ids_that_come_twice(index: ChromaIndex) -> None:
    count = chroma_rows._RECORDS_A_QUERY + 5
    index.insert([NewVector(f"id-{n}", vector(n), f"d{n}", {"n": n}) for n in range(count)])
    ids = [f"id-{n}" for n in range(count)]
    found = index.get([*ids, ids[0]])
    assert {i: r.metadata["n"] for i, r in found.items()} == {f"id-{n}": n for n in range(count)}


def test_several_threads_read_at_the_same_time(index: ChromaIndex) -> None:
    index.insert([NewVector(f"id-{n}", vector(n), f"d{n}", {"n": n}) for n in range(500)])
    ids, wrong = [f"id-{n}" for n in range(500)], list[int]()

    def read(seed: int) -> None:
        for _ in range(50):
            some = Random(seed).sample(ids, 20)
            if {i: f"id-{r.metadata['n']}" for i, r in index.get(some).items()} != {
                i: i for i in some
            }:
                wrong.append(seed)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_another_schema_is_left_to_chroma(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chroma_rows, "SCHEMA", {"metadb": 7})
    opened = ChromaIndex(tmp_path, Collection.LINES)
    opened.insert([NewVector("a", vector(1), "d", {"n": 1})])
    assert not is_direct(opened)
    assert opened.get(["a"])["a"].metadata == {"n": 1}
    opened.close()


def test_values_that_are_lists_are_left_to_chroma(tmp_path: Path) -> None:
    client: Any = chromadb.PersistentClient(str(tmp_path))
    collection = client.create_collection("receipt_lines", embedding_function=None)
    collection.add(ids=["a"], embeddings=[[1.0, 0.0]], metadatas=[{"tags": ["x", "y"], "n": 1}])
    client.close()
    opened = ChromaIndex(tmp_path, Collection.LINES)
    assert not is_direct(opened)
    assert opened.get(["a"])["a"].metadata == {"tags": ["x", "y"], "n": 1}
    opened.close()


def test_a_damaged_table_is_an_error_that_names_no_value(
    index: ChromaIndex, tmp_path: Path
) -> None:
    index.insert([NewVector("SECRET", vector(1), "SECRET", {"n": 1})])
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("DROP TABLE embedding_metadata")
    connection.close()
    with pytest.raises(IndexFailedError, match="get failed: OperationalError") as raised:
        index.get(["SECRET"])
    assert "SECRET" not in str(raised.value)


def test_reading_leaves_no_file_behind(index: ChromaIndex, tmp_path: Path) -> None:
    index.insert([NewVector("a", vector(1), "d", {"n": 1})])
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    index.get(["a", "b"])
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_a_file_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        StoredRecords.open(tmp_path / "nowhere", "id")
