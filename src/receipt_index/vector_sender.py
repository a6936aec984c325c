"""Send an embedding pipeline's vectors to the compactor, from plain arrays and plain keys."""

import json
from collections.abc import Callable, Iterator, Sequence
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from ulid import ULIDGenerator

from receipt_index.clients import s3_client, sqs_client
from receipt_index.delta_archive import LONGEST_TEXT_BYTES, MAX_DIMENSION
from receipt_index.delta_sender import DeltaSender
from receipt_index.deltas import VectorBatch, Vectors, check_vectors
from receipt_sync.clock import SystemClock
from receipt_sync.errors import DeltaExistsError, DeltaRefusedError, MalformedKeyError
from receipt_sync.keys import Collection, EntityKey, parse_chroma_id
from receipt_sync.messages import MODEL_CHARACTERS, Delta
from receipt_sync.retries.retry_until_accepted import RetryUntilAccepted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

VECTORS_A_DELTA: Final = 1_000
_TEXT_BYTES_A_DELTA: Final = LONGEST_TEXT_BYTES
"""Bytes of JSON for the texts of one delta. The compactor accepts this many for any count."""

Key: TypeAlias = EntityKey | str
"""The key of a line or word: an EntityKey, or the text PK#SK."""


class VectorSender:
    """Sends vectors to the compactor: first an object in the bucket, then a message in the queue.

    Safe for several threads. The compactor uses the vector that was sent last for a record.
    """

    def __init__(self, deltas: DeltaSender) -> None:
        self._deltas = deltas

    @classmethod
    def open(
        cls,
        *,
        bucket: str,
        queue_url: str,
        s3: "S3Client | None" = None,
        sqs: "SQSClient | None" = None,
    ) -> Self:
        """Return a sender to the deployment with this bucket and this compaction queue.

        Without `s3` or `sqs`, it makes a client for the region, credentials and endpoint of the
        environment.
        """
        return cls(
            DeltaSender(
                s3 or s3_client(),
                bucket,
                sqs or sqs_client(),
                queue_url,
                RetryUntilAccepted(SystemClock(), SystemRandom()),
                new_id=new_ids(),
            )
        )

    def send(
        self,
        collection: Collection | str,
        keys: Sequence[Key],
        vectors: NDArray[np.floating[Any]],
        texts: Sequence[str],
        model: str | None = None,
    ) -> tuple[Delta, ...]:
        """Send n vectors of one collection, and return the deltas that were sent.

        `vectors` is n × d of a floating type, and is sent as float32. Row i is the vector of
        `texts[i]`, which is the text of the line or word `keys[i]`. A key is an EntityKey or the
        text PK#SK. `model` is the name and version of the embedding model. More than
        VECTORS_A_DELTA vectors become several deltas.

        When this method returns, the objects are stored and the queue has accepted the messages.
        The vectors are searchable after the next publish. Raises DeltaRefusedError before anything
        is stored if the compactor would refuse a vector, key or text: its message names the row.
        Raises QueueSendError if the queue does not accept the messages: send all again. Errors of
        S3 and SQS are raised as botocore's own.
        """
        _check_model(model)
        batch = checked_batch(Collection(collection), keys, vectors, texts)
        sent = tuple(self._stored(Collection(collection), some, model) for some in _portions(batch))
        self._deltas.send(sent)
        return sent

    def _stored(self, collection: Collection, batch: VectorBatch, model: str | None) -> Delta:
        keys, vectors, texts = batch.keys, batch.vectors, batch.texts
        try:
            return self._deltas.put(collection, keys, vectors, texts, model)
        except DeltaExistsError:
            # No other delta has this new id. So the SDK stored the object, lost the answer, and its
            # own retry met the object.
            return self._deltas.put(collection, keys, vectors, texts, model)


def new_ids() -> Callable[[], str]:
    """Return a function that returns a greater ULID with each call."""
    ids = ULIDGenerator()
    return lambda: str(ids.generate())


def checked_batch(
    collection: Collection,
    keys: Sequence[Key],
    vectors: NDArray[np.floating[Any]],
    texts: Sequence[str],
) -> VectorBatch:
    """Return the batch of a call of `VectorSender.send`, without an id. Raises DeltaRefusedError.

    An error names the first wrong row and its key, and never a text (I8).
    """
    if not len(keys) == len(vectors) == len(texts):
        raise DeltaRefusedError(
            f"there are {len(keys)} keys, {len(vectors)} vectors and {len(texts)} texts: give one "
            "vector and one text for each key"
        )
    ids = tuple(_id(row, key, collection) for row, key in enumerate(keys))
    _check_unique(ids)
    for row, text in enumerate(texts):
        _check_text(row, text)
    batch = VectorBatch("", ids, _float32(vectors, ids), tuple(texts))
    if ids:
        check_vectors(batch)
    return batch


def _id(row: int, key: Key, collection: Collection) -> str:
    if not isinstance(key, EntityKey | str):
        raise DeltaRefusedError(
            f"key {row} is of the type {type(key).__name__}: give an EntityKey or the text PK#SK"
        )
    chroma_id = key if isinstance(key, str) else key.chroma_id
    try:
        parsed = parse_chroma_id(chroma_id)
    except MalformedKeyError as error:
        raise DeltaRefusedError(f"key {row}: {error}") from error
    if parsed.collection is not collection:
        raise DeltaRefusedError(
            f"key {row}, {chroma_id!r}, belongs to {parsed.collection}, and not to {collection}: "
            "send lines and words in separate calls"
        )
    return chroma_id


def _check_unique(ids: tuple[str, ...]) -> None:
    first: dict[str, int] = {}
    for row, chroma_id in enumerate(ids):
        if chroma_id in first:
            raise DeltaRefusedError(
                f"keys {first[chroma_id]} and {row} are both {chroma_id!r}: send one vector for "
                "each key"
            )
        first[chroma_id] = row


def _check_text(row: int, text: str) -> None:
    if not isinstance(text, str):
        raise DeltaRefusedError(f"text {row} is of the type {type(text).__name__}: give a str")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DeltaRefusedError(
            f"text {row} holds a lone surrogate, which UTF-8 can't carry: remove it"
        ) from None  # The cause quotes the text.
    if len(text) > LONGEST_TEXT_BYTES // 6 and _json_bytes(text) > LONGEST_TEXT_BYTES:
        raise DeltaRefusedError(
            f"text {row} has {_json_bytes(text)} bytes as JSON, more than {LONGEST_TEXT_BYTES}: "
            "no item of the table can hold it"
        )


def _float32(vectors: NDArray[np.floating[Any]], ids: tuple[str, ...]) -> Vectors:
    """Return the vectors as float32, and refuse another shape or type."""
    if not isinstance(vectors, np.ndarray) or not np.issubdtype(vectors.dtype, np.floating):
        given = vectors.dtype if isinstance(vectors, np.ndarray) else type(vectors).__name__
        raise DeltaRefusedError(
            f"the vectors are of the type {given}: give a NumPy array of float32"
        )
    if not ids:
        return np.zeros((0, 1), np.float32)
    if vectors.ndim != 2 or not 1 <= vectors.shape[1] <= MAX_DIMENSION:
        raise DeltaRefusedError(
            f"the vectors have the shape {vectors.shape}: give n rows of 1 to {MAX_DIMENSION} "
            "numbers"
        )
    with np.errstate(over="ignore"):  # An overflow becomes an infinity, which is refused below.
        single: Vectors = np.ascontiguousarray(vectors, np.float32)
    wrong = np.flatnonzero(~np.isfinite(single).all(axis=1))
    if len(wrong):
        row = int(wrong[0])
        raise DeltaRefusedError(
            f"vector {row}, of {ids[row]}, holds NaN, or a number that is infinite in float32"
        )
    return single


def _check_model(model: str | None) -> None:
    if model is None or (isinstance(model, str) and 1 <= len(model) <= MODEL_CHARACTERS):
        return
    raise DeltaRefusedError(
        f"the model's name has not 1 to {MODEL_CHARACTERS} characters: give a shorter name, or None"
    )


def _portions(batch: VectorBatch) -> Iterator[VectorBatch]:
    """Yield the batch in parts that the compactor accepts as one delta each."""
    start, size = 0, 0
    for row, text in enumerate(batch.texts):
        length = _json_bytes(text) + 2  # The comma and the space of the list.
        if row > start and (row - start == VECTORS_A_DELTA or size + length > _TEXT_BYTES_A_DELTA):
            yield batch.rows(start, row)
            start, size = row, 0
        size += length
    if start < len(batch.texts):
        yield batch.rows(start, len(batch.texts))


def _json_bytes(text: str) -> int:
    return len(json.dumps(text))
