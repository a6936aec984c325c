"""The cases. Each function sends messages, and returns their number and the faults."""

import io
import zipfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from receipt_index.deltas import VectorBatch, encode
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_sync.clock import SystemClock
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, delta_key, to_body
from tests.reliability.bounds.function import Function, chunks, fill, words
from tests.reliability.bounds.limits import MIB
from tests.reliability.bounds.outside import FolderStore
from tests.reliability.crashes.readers.nearest import is_found
from tests.reliability.crashes.readers.plain import beside
from tests.reliability.crashes.searching import searched
from tests.support.fakes.system import metadata


class Place(NamedTuple):
    """A folder outside of the function, the function's disk, and its memory in bytes."""

    outside: Path
    disk: Path
    memory: int


class Outcome(NamedTuple):
    """`messages` counts the sent messages. `wrong` lists the faults."""

    messages: int
    wrong: list[str]
    note: str


Case = Callable[[Place, bool], Outcome]
"""Runs the full form, or the quick form for True."""


def large_deltas(place: Place, quick: bool) -> Outcome:
    """Ten deltas of 10,000 vectors in one batch, and one of the largest allowed size.

    The table has 4 % of the entities, because Chroma needs minutes for all of them.
    """
    sizes, dimension = ([2_000] * 3, 256) if quick else ([*[10_000] * 10, 40_000], 1536)
    function = Function(place.outside, place.disk, place.memory)
    bodies = []
    for number, size in enumerate(sizes, 1):
        keys = words(size, receipt_id=number)
        fill(function.system, keys[: size // 25])
        bodies.append(function.delta(number, keys, dimension))
    returned = function.handle(*bodies)
    wrong = [f"returned: {reason}" for reason in returned.values()]
    if function.records() != sum(sizes) // 25:
        wrong.append(f"{function.records()} records of {sum(sizes) // 25}")
    return Outcome(len(sizes), wrong, f"{sum(sizes):,} vectors of {dimension:,} in one batch")


def merchant(place: Place, quick: bool) -> Outcome:
    """A new merchant name on a receipt of 25,000 words."""
    count, dimension = (4_000, 8) if quick else (25_000, 8)
    function = Function(place.outside, place.disk, place.memory)
    keys = words(count)
    fill(function.system, keys)
    deltas = [
        function.delta(number, some, dimension) for number, some in enumerate(chunks(keys, 5_000))
    ]
    wrong = [f"returned: {reason}" for reason in function.handle(*deltas).values()]
    function.system.table.put(metadata("image"), merchant_name="New name")
    rename = function.system.change_body(metadata("image"), "merchant_name")
    wrong += [f"returned: {reason}" for reason in function.handle(rename).values()]
    wrong += _not_named(function, "New name")
    function.close()
    return Outcome(1 + len(deltas), wrong, f"one change that reaches {count:,} records")


def _not_named(function: Function, name: str) -> list[str]:
    index = function.copies[Collection.WORDS].checkout()
    ids = [key.chroma_id for key in function.system.table.items if key.word_id is not None]
    named = 0
    for some in chunks(ids, 5_000):
        found = index.get(some).values()
        named += sum(record.metadata.get("merchant_name") == name for record in found)
    return [f"{len(ids) - named} records without the new name"] if named != len(ids) else []


def bombs(place: Place, quick: bool) -> Outcome:
    """Small objects with a large unpacked size, beside a sound object."""
    function = Function(place.outside, place.disk, place.memory)
    keys = words(3)
    fill(function.system, keys)
    good = function.delta(0, keys, 8)
    objects = [_texts_bomb(20 if quick else 400), _zeros_bomb(20 if quick else 400)]
    objects += [_entries_bomb(2_000 if quick else 200_000)]
    bodies = []
    for number, data in enumerate(objects, 1):
        delta_id = f"{number:026d}"
        function.deltas.put(delta_key(Collection.WORDS, delta_id), data)
        bodies.append(to_body(Delta.of(Collection.WORDS, delta_id, 1)))
    returned = function.handle(good, *bodies)
    wrong = [f"returned: {reason}" for reason in returned.values()]
    if function.records() != len(keys):
        wrong.append("the good delta beside them was not applied")
    settled = {message_id for _, _, message_id in function.system.dead_letters.parked}
    wrong += [f"bomb {n} was not parked" for n in range(1, 3) if str(n) not in settled]
    return Outcome(1 + len(bodies), wrong, "texts and vectors of 400 MiB packed, 200,000 entries")


def _texts_bomb(mib: int) -> bytes:
    count = mib * MIB // 3
    return _packed(b'["' + b'","' * (count - 2) + b'"]', np.ones((1, 4), np.float32))


def _zeros_bomb(mib: int) -> bytes:
    return _packed(b'["a"]', np.zeros((mib * MIB // 16, 4), np.float32))


def _packed(texts: bytes, vectors: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    ids = f'["{words(1)[0].chroma_id}"]'.encode()
    np.savez_compressed(
        buffer,
        vectors=vectors,
        ids=np.frombuffer(ids, np.uint8),
        texts=np.frombuffer(texts, np.uint8),
    )
    return buffer.getvalue()


def _entries_bomb(count: int) -> bytes:
    batch = VectorBatch("0" * 26, (words(1)[0].chroma_id,), np.ones((1, 8), np.float32), ("x",))
    buffer = io.BytesIO(encode(batch))
    with zipfile.ZipFile(buffer, "a") as archive:
        for number in range(count):
            archive.writestr(zipfile.ZipInfo(f"{number:x}"), b"")
    return buffer.getvalue()


def poison_flood(place: Place, quick: bool) -> Outcome:
    """As many bytes of malformed items as Lambda takes in one event, and a sound message."""
    count, items = (4, 20_000) if quick else (45, 65_000)
    function = Function(place.outside, place.disk, place.memory)
    keys = words(3)
    fill(function.system, keys)
    junk = (
        f'{{"source":"dynamodb_stream_batch","schema":1,"batch_size":{items},'
        f'"items":[{",".join("0" * items)}]}}'
    )
    returned = function.handle(function.delta(0, keys, 8), *[junk] * count)
    settled = {message_id for _, _, message_id in function.system.dead_letters.parked} | {*returned}
    wrong = [f"message {n} is gone" for n in range(1, count + 1) if str(n) not in settled]
    if len(function.system.dead_letters.parked) > count:
        wrong.append(f"{len(function.system.dead_letters.parked)} letters of {count} messages")
    if function.records() != len(keys):
        wrong.append("the good message beside them was not applied")
    return Outcome(1 + count, wrong, f"{count} messages of {items:,} broken items")


class _Blob:
    """An index of one large file, for a case that concerns only bytes."""

    def __init__(self, folder: Path, collection: Collection) -> None:
        (folder / "opened").write_text(str(collection))

    def count(self) -> int:
        return 1

    def close(self) -> None:
        pass


def rebase(place: Place, quick: bool) -> Outcome:
    """A base of a third of the disk, and a store that takes 30 ms a write."""
    size = (60 if quick else 1_000) * MIB
    folder = place.disk / "rebase"
    settings = CopySettings("worker", timedelta(days=1))
    store = FolderStore(place.outside / "rebase", seconds=0.03)
    copy = WorkingCopy(store, Collection.WORDS, folder, _Blob, SystemClock(), settings)  # type: ignore[arg-type]
    copy.checkout()
    copy.mark_dirty()
    random = np.random.default_rng(1)
    with (folder / "working" / "blob").open("wb") as file:
        for _ in range(size // (4 * MIB)):
            file.write(random.bytes(4 * MIB))
    published = copy.publish(1)
    wrong = [] if published.uploaded >= size else [f"{published.uploaded} bytes of {size} uploaded"]
    return Outcome(1, wrong, f"a base of {size // MIB:,} MiB")


def reader(place: Place, quick: bool) -> Outcome:
    """A reader starts cold on the version of `merchant`, and searches for known vectors."""
    store, root = FolderStore(place.outside / Collection.WORDS), place.disk / "reader"
    with SnapshotReader(store, Collection.WORDS, root) as served:
        served.refresh()
        ids = list(served.ids())
        wrong = [] if len(ids) == (4_000 if quick else 25_000) else [f"{len(ids)} records"]
        some = served.vectors(ids[:: len(ids) // 50])
        plainly = partial(beside, root, store.version(), Collection.WORDS.value)
        found = searched(served, some, plainly)
    wrong += found.faults
    for chroma_id, hit in found.hits.items():
        if not is_found(chroma_id, hit) and chroma_id not in found.graph_misses:
            wrong.append(f"{chroma_id} is not found by its own vector")
    missed = f"{len(found.graph_misses)} of them missed in plain Chroma as well (search issue)"
    return Outcome(
        1, wrong, f"{len(ids):,} records, a cold start and {len(some)} searches, {missed}"
    )


CASES: Final[dict[str, Case]] = {
    case.__name__: case for case in (large_deltas, merchant, reader, bombs, poison_flood, rebase)
}
"""In this order, the reader finds the version that `merchant` has published."""
SHARES: Final = {"reader": "merchant"}
"""Cases that use the bucket of another case."""
