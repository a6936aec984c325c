"""Embedding deltas: vectors that a producer puts into the bucket for the compactor.

The object is a NumPy .npz archive with three arrays. `vectors` is n × d, float32. `ids` and `texts`
each hold a JSON list as UTF-8 bytes. NumPy's own text arrays are not used, because they drop
trailing NULs and pad every text to the longest. Pickled arrays are refused, because a pickle can
run code. The archive has these three entries, stored or deflated, and no comment.
"""

import io
import json
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from receipt_index.delta_archive import Array, read_arrays, read_strings
from receipt_sync.errors import DeltaRefusedError, MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id
from receipt_sync.messages import Delta

Vectors = NDArray[np.float32]

MAX_OBJECT_BYTES: Final = 256 * 2**20
MAX_VECTORS: Final = 50_000
SHORTEST: Final = 1e-15
LONGEST: Final = 1e15
"""Limits of a vector's length, computed in float64, that distances in float32 can hold."""

_BYTES: Final = frozenset({"|u1", "<u1", "u1"})


@dataclass(frozen=True)
class VectorBatch:
    """The content of one delta. Row i of `vectors` is for `ids[i]` and was made from `texts[i]`."""

    delta_id: str
    ids: tuple[str, ...]
    vectors: Vectors
    texts: tuple[str, ...]

    @property
    def dimension(self) -> int:
        """Return the dimension of the vectors."""
        return int(self.vectors.shape[1])

    @property
    def keys(self) -> tuple[EntityKey, ...]:
        """Return the keys of the records, in the order of the rows."""
        return tuple(parse_chroma_id(chroma_id) for chroma_id in self.ids)

    def rows(self, start: int, stop: int) -> "VectorBatch":
        """Return the same delta with only the rows from `start` to `stop`, which is excluded."""
        return VectorBatch(
            self.delta_id, self.ids[start:stop], self.vectors[start:stop], self.texts[start:stop]
        )


class DeltaStore(Protocol):
    """A store of delta objects."""

    def read(self, key: str) -> bytes:
        """Return the object's bytes.

        Raises DeltaRefusedError if the object is missing or too large.
        """
        ...


def encode(batch: VectorBatch) -> bytes:
    """Return the object of a delta."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        vectors=np.asarray(batch.vectors, dtype=np.float32),
        ids=_json_bytes(batch.ids),
        texts=_json_bytes(batch.texts),
    )
    return buffer.getvalue()


def decode(data: bytes, message: Delta) -> VectorBatch:
    """Return a delta object's content. Raises DeltaRefusedError if it breaks the contract."""
    if message.vector_count > MAX_VECTORS:
        raise DeltaRefusedError(f"a delta holds at most {MAX_VECTORS} vectors: split it")
    arrays = read_arrays(data, message.vector_count)
    ids = _texts(arrays.ids, "ids", message.vector_count)
    texts = _texts(arrays.texts, "texts", message.vector_count)
    batch = VectorBatch(message.delta_id, ids, _vectors(arrays.vectors), texts)
    _check_ids(batch, message.collection)
    check_vectors(batch)
    return batch


def check_vectors(batch: VectorBatch) -> None:
    """Raise DeltaRefusedError for a vector that Chroma's distance cannot hold.

    The distance is computed in float32. Above a length of 1e15 it overflows, and the record is
    never found. Below 1e-15 it loses its digits, and the record takes the place of others in every
    search. A vector of zeros has the distance 1 to all vectors, and does no harm.
    """
    if not np.isfinite(batch.vectors).all():
        raise DeltaRefusedError("a vector holds NaN or an infinity")
    squares = np.einsum("ij,ij->i", batch.vectors, batch.vectors, dtype=np.float64)
    lengths = np.sqrt(squares)
    wrong = np.flatnonzero((lengths != 0) & ((lengths < SHORTEST) | (lengths > LONGEST)))
    if len(wrong):
        row = int(wrong[0])
        raise DeltaRefusedError(
            f"the vector of {batch.ids[row]} has the length {lengths[row]:.3g}: it must be 0, or "
            f"from {SHORTEST:.0e} to {LONGEST:.0e}, the range of distances in float32: scale the "
            "vector"
        )


def _json_bytes(texts: tuple[str, ...]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(texts).encode("ascii"), dtype=np.uint8)


def _vectors(array: Array) -> Vectors:
    flat: Vectors = np.frombuffer(array.data, dtype="<f4")
    order: Literal["F", "C"] = "F" if array.header.fortran_order else "C"
    return np.ascontiguousarray(flat.reshape(array.header.shape, order=order))


def _texts(array: Array, name: str, count: int) -> tuple[str, ...]:
    try:
        texts = read_strings(array.data.decode("utf-8"), count) if _is_bytes(array) else []
    except (ValueError, RecursionError):
        texts = []
    if texts == [] or not _is_bytes(array):
        raise DeltaRefusedError(f"{name} is not a JSON list of texts as UTF-8 bytes (uint8)")
    if texts is None or len(texts) != count:
        held = f"more than {count}" if texts is None else len(texts)
        raise DeltaRefusedError(f"the message says {count} vectors, the object holds {held} {name}")
    if not all(map(_is_unicode, texts)):
        raise DeltaRefusedError(f"{name} holds a lone surrogate, which UTF-8 can't carry")
    return tuple(texts)


def _is_bytes(array: Array) -> bool:
    return array.header.descr in _BYTES


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_ids(batch: VectorBatch, collection: Collection) -> None:
    if len(set(batch.ids)) != len(batch.ids):
        raise DeltaRefusedError("the delta names an id twice")
    for chroma_id in batch.ids:
        try:
            key = parse_chroma_id(chroma_id)
        except MalformedKeyError as error:
            raise DeltaRefusedError(str(error)) from error
        if key.collection is not collection:
            raise DeltaRefusedError(f"id {chroma_id!r} does not belong to {collection}")
