import gc
import io
import pickle
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from receipt_index.deltas import VectorBatch, decode, encode
from receipt_sync.errors import DeltaRefusedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta
from tests.support.fakes.system import line, word

ID = "0" * 26
MESSAGE = Delta.of(Collection.LINES, ID, 2)


def batch(**changes: Any) -> VectorBatch:
    fields: dict[str, Any] = {
        "delta_id": ID,
        "ids": (line(1).chroma_id, line(2).chroma_id),
        "vectors": np.ones((2, 3), np.float32),
        "texts": ("a", "b"),
    }
    return VectorBatch(**{**fields, **changes})


@given(st.lists(st.text(), min_size=2, max_size=2))
def test_texts_come_back_as_they_were_with_nul_and_every_plane(texts: list[str]) -> None:
    decoded = decode(encode(batch(texts=tuple(texts))), MESSAGE)
    assert decoded.texts == tuple(texts)
    assert decoded.ids == batch().ids
    assert decoded.vectors.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ids": (line(1).chroma_id,) * 2}, "twice"),
        ({"ids": (line(1).chroma_id, word(1).chroma_id)}, "does not belong"),
        ({"ids": (line(1).chroma_id, "IMAGE#a#RECEIPT#1#LINE#2")}, "shape of a receipt"),
        ({"ids": (line(1).chroma_id, "junk")}, "does not belong to"),
        ({"texts": ("a",)}, "1 texts"),
        ({"texts": ("a", "\ud800")}, "surrogate"),
        ({"vectors": np.ones((3, 3), np.float32)}, "3 vectors"),
        ({"vectors": np.full((2, 3), np.nan, np.float32)}, "NaN"),
        ({"vectors": np.full((2, 3), np.inf, np.float32)}, "NaN"),
        (
            {"vectors": np.full((2, 3), 1e-16, np.float32)},
            r"00001 has the length 1.73e-16: it must",
        ),
        ({"vectors": np.full((2, 3), 1e15, np.float32)}, r"from 1e-15 to 1e\+15"),
        ({"vectors": np.full((2, 3), 3e38, np.float32)}, "scale the vector"),
        ({"vectors": np.ones((2, 0), np.float32)}, "0 dimensions"),
        ({"vectors": np.ones((2, 3, 1), np.float32)}, "n × d"),
    ],
)
def test_a_delta_that_breaks_the_contract_is_refused_with_its_reason(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DeltaRefusedError, match=reason):
        decode(encode(batch(**changes)), MESSAGE)


@pytest.mark.parametrize("number", [0.0, 1e-15, 5e14])
def test_lengths_that_float32_holds_are_taken_and_so_is_none(number: float) -> None:
    vectors = np.full((2, 3), number, np.float32)
    assert (decode(encode(batch(vectors=vectors)), MESSAGE).vectors == vectors).all()


def test_vectors_in_columns_come_back_in_rows() -> None:
    vectors = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3) + 1)
    buffer = io.BytesIO()
    with np.load(io.BytesIO(encode(batch()))) as sound:
        np.savez(buffer, vectors=vectors, ids=sound["ids"], texts=sound["texts"])
    assert (decode(buffer.getvalue(), MESSAGE).vectors == vectors).all()


def test_threads_can_decode_while_the_collector_calls_back() -> None:
    """CPython 3.11's ast.literal_eval, which NumPy's reader calls, can not (gh-106905)."""
    data = encode(batch())
    gc.callbacks.append(_let_others_in)
    threshold = gc.get_threshold()
    gc.set_threshold(5)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: decode(data, MESSAGE).ids, range(400)))
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(_let_others_in)
    assert found == [batch().ids] * 400


def _let_others_in(*_: object) -> None:
    time.sleep(0)


class Bomb:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return (pytest.fail, ("a pickle was run",))


def test_a_pickle_is_refused_and_never_run() -> None:
    buffer = io.BytesIO()
    array = np.array([Bomb()], dtype=object)
    np.savez(buffer, vectors=array, ids=array, texts=array)
    for data in (buffer.getvalue(), pickle.dumps(Bomb())):
        with pytest.raises(DeltaRefusedError):
            decode(data, MESSAGE)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_crash_nothing(data: bytes) -> None:
    with pytest.raises(DeltaRefusedError):
        decode(data, MESSAGE)


def test_a_truncated_object_is_refused() -> None:
    data = encode(batch())
    for length in range(0, len(data), 37):
        with pytest.raises(DeltaRefusedError):
            decode(data[:length], MESSAGE)
