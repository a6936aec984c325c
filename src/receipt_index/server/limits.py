"""Limits of one request to a Chroma server, and of one record.

A record that a server can't take may damage its collection permanently. So it is refused before it
is sent. Quotas of Chroma Cloud: https://docs.trychroma.com/cloud/quotas-limits
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from receipt_index.records import NewVector
from receipt_sync.errors import ProjectionError

_VECTOR_BYTES: Final = 6
"""Bytes of one dimension in a request: four bytes, encoded as base64."""
_RECORD_BYTES: Final = 200
"""Approximate bytes of the names, quotes and commas of a record."""

T = TypeVar("T")


@dataclass(frozen=True)
class Limits:
    """The limits of one target. Counts are records or keys; sizes are bytes of UTF-8."""

    target: str
    write: int
    read: int
    id_size: int
    metadata_keys: int
    key_size: int
    value_size: int
    document_size: int
    dimensions: int
    request_size: int = 16 * 2**20
    """Bytes of a request. A server refuses bodies of 40 MiB, and JSON escapes may double a text."""

    def check(self, chroma_id: str, metadata: Mapping[str, Any]) -> None:
        """Raise ProjectionError for a record that the server would not take."""
        self._most(chroma_id, "bytes of id", _size(chroma_id), self.id_size)
        self._most(chroma_id, "metadata keys", len(metadata), self.metadata_keys)
        for name, value in metadata.items():
            self._most(chroma_id, f"bytes of the name {name}", _size(name), self.key_size)
            self._most(chroma_id, f"bytes of {name}", _size(value), self.value_size)

    def check_vector(self, record: NewVector) -> None:
        """Raise ProjectionError for a record with metadata, vector or document above a limit."""
        self.check(record.id, record.metadata)
        self._most(record.id, "bytes of document", _size(record.document), self.document_size)
        self._most(record.id, "dimensions", len(record.vector), self.dimensions)

    def requests(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """Yield slices in order, none with more records or bytes than a request may have."""
        start = size = 0
        for number, item in enumerate(items):
            more = _request_bytes(item)
            if number > start and (number - start >= self.write or size + more > self.request_size):
                yield items[start:number]
                start, size = number, 0
            size += more
        if len(items) > start:
            yield items[start:]

    def _most(self, chroma_id: str, what: str, found: int, allowed: int) -> None:
        if found > allowed:
            raise ProjectionError(
                f"{chroma_id[:200]} has {found} {what}, and {self.target} takes {allowed}: shorten "
                "it in the table, or ask the operator of the server to raise the limit"
            )


CLOUD: Final = Limits(
    target="Chroma Cloud",
    write=300,
    read=300,
    id_size=128,
    metadata_keys=32,
    key_size=36,
    value_size=4096,
    document_size=16_384,
    dimensions=4096,
)
SERVER: Final = Limits(
    target="a Chroma server",
    write=1_000,
    read=1_000,
    id_size=4096,
    metadata_keys=256,
    key_size=256,
    value_size=2**20,
    document_size=2**20,
    dimensions=16_384,
)
"""Limits of a self-hosted server. It refuses writes above 5,461 records. A record with some
thousands of metadata keys damages its collection.
"""


def _size(value: Any) -> int:
    return len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else 8


def _request_bytes(item: Any) -> int:
    if isinstance(item, NewVector):
        vector = _VECTOR_BYTES * len(item.vector)
        return vector + _size(item.document) + _request_bytes((item.id, item.metadata))
    if isinstance(item, tuple):
        chroma_id, metadata = item
        return _size(chroma_id) + _RECORD_BYTES + sum(map(_field_bytes, metadata.items()))
    return _size(item) + _RECORD_BYTES


def _field_bytes(field: tuple[str, Any]) -> int:
    name, value = field
    return len(name) + _size(value) + 8
