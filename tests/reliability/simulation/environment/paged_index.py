"""An index that stores records in pages of files, so that packs, blocks and mirrors carry them.

It replaces Chroma in the respects that matter to the snapshot. Records and vectors are in separate
files. Opening alone changes pages. Files grow, shrink, appear and disappear. The slot of each
record holds a generation in both files, so that a mixture of two versions is detected.
"""

import marshal
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

import numpy as np

from receipt_index.deltas import Vectors
from receipt_index.records import Metadata, NewVector, Record
from receipt_sync.errors import IndexFailedError
from tests.reliability.simulation.checks.checks import Check
from tests.reliability.simulation.environment.gate import Gate
from tests.reliability.simulation.faults.faults import Kind, Side
from tests.support.fakes.index import InMemoryIndex

SLOT: Final = 2048
_HEAD: Final = struct.Struct(">II")  # length, checksum
_VECTOR: Final = 64
_VECTOR_HEAD: Final = struct.Struct(">II")  # dimension, generation
RECORDS: Final = "records.db"
VECTORS: Final = "segment/vectors.bin"
LINKS: Final = "segment/links.bin"
LENGTH: Final = "segment/length.bin"
_ELEMENT: Final = 4
"""Bytes of LENGTH for each vector that was ever written. Like Chroma, the index forgets none."""
_LINKED: Final = 4
"""Number of records from which a third file exists."""


class TornError(Exception):
    """The files belong to no published version."""


class Slot(NamedTuple):
    """One record in its slot of the file."""

    id: str
    generation: int
    metadata: dict[str, Any]
    document: str | None


class Content(NamedTuple):
    """The content of the files of one version."""

    opened: int
    slots: dict[int, Slot]
    vectors: dict[str, Vectors]

    @property
    def records(self) -> dict[str, tuple[dict[str, Any], str | None, bytes]]:
        """Return metadata, document and vector of every record, to compare whole records."""
        return {
            s.id: (s.metadata, s.document, self.vectors[s.id].tobytes())
            for s in self.slots.values()
        }


def read_content(folder: Path) -> Content:
    """Return the content of a folder. Raises TornError if its files do not belong together."""
    path = folder / RECORDS
    if not path.exists():
        return Content(0, {}, {})
    data = path.read_bytes()
    held = (folder / VECTORS).read_bytes() if (folder / VECTORS).exists() else b""
    slots = dict(_slots(data[SLOT:]))
    vectors = {slot.id: _vector(held, number, slot) for number, slot in slots.items()}
    linked = (folder / LINKS).read_bytes() if (folder / LINKS).exists() else b""
    if len(linked) != (0 if len(slots) < _LINKED else len(slots)):
        raise TornError(f"{len(slots)} records, but links of {len(linked)}")
    return Content(int.from_bytes(data[:8]), slots, vectors)


class PagedIndex(InMemoryIndex):
    """One collection in a folder. Every call passes through the gate, and may fail half-way."""

    def __init__(self, folder: Path, gate: Gate, poisonous: set[str]) -> None:
        super().__init__(poisonous)
        self._folder, self._gate = folder, gate
        (folder / "segment").mkdir(exist_ok=True)
        content = self._call("index.open", lambda _: self._read(folder))
        self._opened = content.opened + 1
        self._numbers = {slot.id: number for number, slot in content.slots.items()}
        self._generations = {slot.id: slot.generation for slot in content.slots.values()}
        self.records = {s.id: Record(s.id, s.metadata, s.document) for s in content.slots.values()}
        self.stored_vectors = dict(content.vectors)
        self._write(RECORDS, 0, self._opened.to_bytes(8).ljust(SLOT, b"\0"))

    def _read(self, folder: Path) -> Content:
        """Return the content of the folder.

        The check fails if it belongs to no published version.
        """
        try:
            return read_content(folder)
        except TornError as error:
            scheduler = self._gate.scheduler
            name = scheduler.process.name
            check = Check.READER_CONTENT if name.startswith("reader") else Check.CHECKOUT
            scheduler.fail(check, f"{name} opens a mixture of versions: {error}")

    def get(self, ids: Sequence[str]) -> dict[str, Record]:
        found: dict[str, Record] = self._call(
            "index.get", lambda _: super(PagedIndex, self).get(ids)
        )
        return found

    def ids(self) -> Iterator[str]:
        return iter(sorted(self.records))

    def warm_up(self) -> None:
        """Do nothing. A search is no separate step here."""

    def update(self, metadata: Mapping[str, Metadata]) -> None:
        def effect(ids: list[str]) -> None:
            super(PagedIndex, self).update({i: metadata[i] for i in ids})

        self._change("index.update", list(metadata), effect)

    def insert(self, records: Sequence[NewVector]) -> None:
        self._change_vectors("index.insert", records, super().insert)

    def replace_vectors(self, records: Sequence[NewVector]) -> None:
        self._change_vectors("index.replace", records, super().replace_vectors)

    def delete(self, ids: Sequence[str]) -> None:
        self._change("index.delete", list(ids), super().delete)

    def _change_vectors(
        self, step: str, records: Sequence[NewVector], write: Callable[[list[NewVector]], None]
    ) -> None:
        self._gate.kill_if_deadly(records)
        by_id = {record.id: record for record in records}
        for chroma_id in by_id:
            self._generations[chroma_id] = self._generations.get(chroma_id, 0) + 1

        def effect(ids: list[str]) -> None:
            write([by_id[i] for i in ids])
            with (self._folder / LENGTH).open("ab") as file:
                file.write(bytes(_ELEMENT * len(ids)))

        self._change(step, list(by_id), effect)

    def _change(self, step: str, ids: list[str], write: Callable[[list[str]], None]) -> None:
        def effect(special: Kind | None) -> None:
            written = ids[: len(ids) // 2] if special is Kind.SILENT else ids
            write(written)
            self._persist(written)

        self._call(step, effect, Kind.SILENT)

    def _call(self, step: str, effect: Callable[[Kind | None], Any], *specials: Kind) -> Any:
        def error(_: Side) -> Exception:
            return IndexFailedError(f"Chroma's {step} failed: InternalError")

        return self._gate.call(step, effect, error, *specials)

    def _persist(self, ids: Iterable[str]) -> None:
        for chroma_id in ids:
            record = self.records.get(chroma_id)
            if record is not None:
                self._put(chroma_id, record)
            elif chroma_id in self._numbers:
                self._write(RECORDS, SLOT * (1 + self._numbers.pop(chroma_id)), bytes(SLOT))
        self._trim()

    def _put(self, chroma_id: str, record: Record) -> None:
        number = self._numbers.setdefault(chroma_id, self._free())
        generation = self._generations[chroma_id]
        slot = marshal.dumps((chroma_id, generation, dict(record.metadata), record.document))
        head = _HEAD.pack(len(slot), crc32(slot))
        self._write(RECORDS, SLOT * (1 + number), (head + slot).ljust(SLOT, b"\0"))
        vector = self.stored_vectors[chroma_id]
        head = _VECTOR_HEAD.pack(len(vector), generation)
        self._write(VECTORS, _VECTOR * number, (head + vector.tobytes()).ljust(_VECTOR, b"\0"))

    def _free(self) -> int:
        used = set(self._numbers.values())
        return next(number for number in range(len(used) + 1) if number not in used)

    def _trim(self) -> None:
        """Cut the files after the last used slot, as a vacuum does."""
        last = max(self._numbers.values(), default=-1) + 1
        for name, size in ((RECORDS, SLOT * (1 + last)), (VECTORS, _VECTOR * last)):
            path = self._folder / name
            if path.exists() and path.stat().st_size > size:
                with path.open("r+b") as file:
                    file.truncate(size)
        links = self._folder / LINKS
        if len(self._numbers) >= _LINKED:
            links.write_bytes(b"l" * len(self._numbers))
        else:
            links.unlink(missing_ok=True)

    def _write(self, name: str, offset: int, data: bytes) -> None:
        path = self._folder / name
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(offset)
            file.write(data)


def _slots(data: bytes) -> Iterator[tuple[int, Slot]]:
    for number in range(len(data) // SLOT):
        start = number * SLOT
        length, checksum = _HEAD.unpack_from(data, start)
        if length == 0:
            continue
        packed = data[start + _HEAD.size : start + _HEAD.size + length]
        if crc32(packed) != checksum:
            raise TornError(f"the record in slot {number} is half of one")
        yield number, Slot(*marshal.loads(packed))


def _vector(held: bytes, number: int, slot: Slot) -> Vectors:
    start = number * _VECTOR
    if len(held) < start + _VECTOR:
        raise TornError(f"{slot.id} has no vector")
    dimension, generation = _VECTOR_HEAD.unpack_from(held, start)
    if generation != slot.generation:
        raise TornError(f"{slot.id} has a vector of generation {generation}, not {slot.generation}")
    return np.frombuffer(held, np.float32, dimension, start + _VECTOR_HEAD.size)
