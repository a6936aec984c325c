"""The index of a Chroma server, its requests and its limits, against a real `chroma run`."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from receipt_index.records import Metadata, NewVector, Scalar
from receipt_index.server.index import ServerIndex, ServerIndexes, directly
from receipt_index.server.limits import CLOUD, SERVER
from receipt_sync.errors import IndexFailedError, ProjectionError
from receipt_sync.keys import Collection
from receipt_sync.settings import ChromaSettings

DIMENSION = 8


@pytest.fixture
def index(chroma_settings: ChromaSettings) -> Iterator[ServerIndex]:
    opened = ServerIndexes(chroma_settings).open(Collection.LINES, create=True)
    yield opened
    opened.close()


def vector(number: int, dimension: int = DIMENSION) -> np.ndarray:
    return np.random.default_rng(number).random(dimension, dtype=np.float32) - 0.5


def new(number: int, **more: Scalar | None) -> NewVector:
    return NewVector(f"id-{number}", vector(number), f"text {number}", {"n": number, **more})


def test_the_semantics_are_those_of_a_directory(index: ServerIndex) -> None:
    assert index.dimension() is None
    index.insert([new(1, merchant_name="Cafe", gone=None), new(2)])
    index.update({"id-1": {"merchant_name": None, "confidence": 0.5}})
    index.replace_vectors([NewVector("id-2", vector(9), "other", {"stale": True})])
    records = index.get(["id-1", "id-2", "id-9"])
    assert records["id-1"].metadata == {"n": 1, "confidence": 0.5}
    assert records["id-2"].document == "other"
    assert set(index.vectors(["id-1", "id-9"])) == {"id-1"}
    (match,) = index.search(vector(9), 1)
    assert match.record.id == "id-2"
    assert (index.count(), index.dimension(), sorted(index.ids())) == (2, 8, ["id-1", "id-2"])
    index.delete(["id-1", "id-9"])
    assert index.count() == 1


def test_a_collection_keeps_its_dimension_when_its_last_record_is_deleted(
    index: ServerIndex,
) -> None:
    index.insert([new(1)])
    index.delete(["id-1"])
    assert (index.count(), index.dimension()) == (0, 8)
    with pytest.raises(IndexFailedError):
        index.insert([NewVector("id-2", vector(2, 3), "t", {"n": 2})])


class Recording:
    """A collection that counts the records in each request."""

    def __init__(self, collection: object) -> None:
        self._collection = collection
        self.requests: list[tuple[str, int]] = []

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            self.requests.append((name, len(arguments.get("ids") or ())))
            return getattr(self._collection, name)(**arguments)

        return call


def test_no_request_to_chroma_cloud_carries_more_than_300_records(index: ServerIndex) -> None:
    recording = Recording(index._collection)
    cloud = ServerIndex(None, recording, CLOUD, directly)
    ids = [f"id-{number}" for number in range(700)]
    cloud.insert([new(number) for number in range(700)])
    cloud.update({chroma_id: {"m": 1} for chroma_id in ids})
    cloud.replace_vectors([new(number) for number in range(700)])
    assert len(cloud.get(ids)) == len(cloud.vectors(ids)) == len(list(cloud.ids())) == 700
    cloud.delete(ids)
    assert cloud.count() == 0
    assert sum(n for name, n in recording.requests if name == "add") == 700
    assert sum(name == "add" for name, _ in recording.requests) == 3
    assert max(n for _, n in recording.requests) == 300
    with pytest.raises(IndexFailedError, match="at most 300 records for a search"):
        cloud.search(vector(1), 301)


def test_a_request_stays_below_the_servers_largest_body(index: ServerIndex) -> None:
    small = replace(SERVER, request_size=2_000)
    recording = Recording(index._collection)
    index_of_small_requests = ServerIndex(None, recording, small, directly)
    index_of_small_requests.insert([new(number, note="x" * 300) for number in range(12)])
    assert index.count() == 12
    assert [n for _, n in recording.requests] == [3, 3, 3, 3]
    long = [NewVector(f"big-{n}", vector(n, 8), "t" * 2**20, {"n": n}) for n in range(42)]
    index.insert(long)  # 42 MiB in all: the server would refuse one request with 413
    assert index.count() == 54


@pytest.mark.parametrize(
    ("record", "rule"),
    [
        (NewVector("i" * 129, vector(1), "t", {}), "129 bytes of id, and Chroma Cloud takes 128"),
        (NewVector("ü" * 65, vector(1), "t", {}), "130 bytes of id"),
        (new(1, **{f"k{n}": n for n in range(32)}), "33 metadata keys, and Chroma Cloud takes 32"),
        (new(1, text="x" * 4097), "4097 bytes of text"),
        (new(1, **{"k" * 37: 1}), "37 bytes of the name"),
        (NewVector("id", vector(1), "x" * 16_385, {}), "16385 bytes of document"),
        (NewVector("id", vector(1, 4097), "t", {}), "4097 dimensions"),
    ],
)
def test_what_chroma_cloud_would_refuse_is_not_sent(record: NewVector, rule: str) -> None:
    cloud = ServerIndex(None, None, CLOUD, directly)
    with pytest.raises(ProjectionError, match=rule):
        cloud.insert([record])
    with pytest.raises(ProjectionError, match=rule):
        cloud.replace_vectors([record])


def test_ids_and_fields_of_the_largest_legal_size_spoil_no_collection(index: ServerIndex) -> None:
    keys: Metadata = {f"k{number}": number for number in range(SERVER.metadata_keys)}
    index.insert([NewVector("i" * SERVER.id_size, vector(1), "t", keys)])
    index.insert([NewVector("id-2", vector(2), "t" * 2**20, {"text": "x" * 2**20})])
    index.update({"id-2": {"n": 1}})
    assert index.count() == 2
