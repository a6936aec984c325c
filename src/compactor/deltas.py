"""Embedding deltas: vectors that a producer leaves in the bucket for the compactor.

The object is a NumPy .npz with `vectors` (n × d, float32), and `ids` and `texts` as the UTF-8 bytes
of a JSON list each: NumPy's own text arrays would drop trailing NULs and pad every text to the
longest. Pickled arrays are refused, because a pickle can run code.
"""

import io
import json
import math
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from receipt_sync.errors import DeltaRefusedError, MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id
from receipt_sync.messages import Delta

Vectors = NDArray[np.float32]

MAX_OBJECT_BYTES: Final = 256 * 2**20
MAX_DECOMPRESSED_BYTES: Final = 512 * 2**20
MAX_VECTORS: Final = 50_000
MAX_DIMENSION: Final = 16_384

_ARRAYS: Final = ("vectors", "ids", "texts")
_HEADERS: Final = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class VectorBatch:
    """The content of one delta: row i of `vectors` was made from `texts[i]`, for `ids[i]`."""

    delta_id: str
    ids: tuple[str, ...]
    vectors: Vectors
    texts: tuple[str, ...]

    @property
    def dimension(self) -> int:
        return int(self.vectors.shape[1])

    @property
    def keys(self) -> tuple[EntityKey, ...]:
        return tuple(parse_chroma_id(chroma_id) for chroma_id in self.ids)

    def rows(self, start: int, stop: int) -> "VectorBatch":
        """The same delta with rows start to stop alone."""
        return VectorBatch(
            self.delta_id, self.ids[start:stop], self.vectors[start:stop], self.texts[start:stop]
        )


class DeltaStore(Protocol):
    """Where delta objects lie."""

    def read(self, key: str) -> bytes:
        """The object's bytes. Raises DeltaRefusedError if there is none, or one too large."""
        ...


def encode(batch: VectorBatch) -> bytes:
    """The object of a delta."""
    buffer = io.BytesIO()
    np.savez(
        buffer,
        vectors=np.asarray(batch.vectors, dtype=np.float32),
        ids=_json_bytes(batch.ids),
        texts=_json_bytes(batch.texts),
    )
    return buffer.getvalue()


def decode(data: bytes, message: Delta) -> VectorBatch:
    """The content of a delta's object. Raises DeltaRefusedError if it breaks the contract."""
    arrays = _load(data)
    ids = _texts(arrays, "ids")
    batch = VectorBatch(message.delta_id, ids, _vectors(arrays), _texts(arrays, "texts"))
    _check_shape(batch, message)
    _check_ids(batch, message.collection)
    return batch


def _json_bytes(texts: tuple[str, ...]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(texts).encode("ascii"), dtype=np.uint8)


def _load(data: bytes) -> dict[str, Any]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > MAX_DECOMPRESSED_BYTES:
                raise DeltaRefusedError(f"the delta unpacks to {size} bytes: split it")
            for name in _ARRAYS:
                _check_header(archive, name)
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in _ARRAYS}
    except (
        ValueError,
        KeyError,
        OSError,
        EOFError,
        RuntimeError,  # encrypted, or packed by a method that is not there
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        raise DeltaRefusedError(
            "the delta is not an .npz of vectors, ids and texts without pickles: "
            f"{type(error).__name__}"
        ) from error


def _check_header(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse an array that claims more than it holds: NumPy allocates what the header says."""
    with archive.open(f"{name}.npy") as file:
        shape, _, dtype = _HEADERS[np.lib.format.read_magic(file)](file)
    if math.prod(shape) * dtype.itemsize > archive.getinfo(f"{name}.npy").file_size:
        raise DeltaRefusedError(f"{name} claims the shape {shape}, but holds less")


def _vectors(arrays: dict[str, Any]) -> Vectors:
    vectors = arrays["vectors"]
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise DeltaRefusedError(
            f"vectors is {vectors.ndim}-dimensional {vectors.dtype}: it must be n × d float32"
        )
    if not 1 <= vectors.shape[1] <= MAX_DIMENSION:
        raise DeltaRefusedError(f"vectors of {vectors.shape[1]} dimensions are not supported")
    if not np.isfinite(vectors).all():
        raise DeltaRefusedError("a vector holds NaN or an infinity")
    return np.ascontiguousarray(vectors)


def _texts(arrays: dict[str, Any], name: str) -> tuple[str, ...]:
    array = arrays[name]
    try:
        texts = json.loads(array.tobytes()) if array.dtype == np.uint8 else None
    except (ValueError, RecursionError):
        texts = None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise DeltaRefusedError(f"{name} is not a JSON list of texts as UTF-8 bytes (uint8)")
    for text in texts:
        if not _is_unicode(text):
            raise DeltaRefusedError(f"{name} holds a lone surrogate, which UTF-8 can't carry")
    return tuple(texts)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_shape(batch: VectorBatch, message: Delta) -> None:
    rows = len(batch.vectors)
    if not rows == len(batch.ids) == len(batch.texts) == message.vector_count:
        raise DeltaRefusedError(
            f"the message says {message.vector_count} vectors, the object holds {rows} vectors, "
            f"{len(batch.ids)} ids and {len(batch.texts)} texts"
        )
    if rows > MAX_VECTORS:
        raise DeltaRefusedError(f"a delta holds at most {MAX_VECTORS} vectors: split it")
    if len(set(batch.ids)) != rows:
        raise DeltaRefusedError("the delta names an id twice")


def _check_ids(batch: VectorBatch, collection: Collection) -> None:
    for chroma_id in batch.ids:
        try:
            key = parse_chroma_id(chroma_id)
        except MalformedKeyError as error:
            raise DeltaRefusedError(str(error)) from error
        if key.collection is not collection:
            raise DeltaRefusedError(f"id {chroma_id!r} does not belong to {collection}")
