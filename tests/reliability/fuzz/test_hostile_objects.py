"""Hostile objects: bombs, false sizes, paths out of the folder, and pickles."""

import io
import json
import pickle
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from receipt_index.delta_archive import MAX_DECOMPRESSED_BYTES
from receipt_index.deltas import decode
from receipt_index.snapshot.format.compression import compress, decompress
from receipt_index.snapshot.format.manifest import read_manifest
from receipt_index.snapshot.format.pack import apply_pack
from receipt_sync.errors import DeltaRefusedError, PoisonMessageError, SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.messages import Delta, read_message
from tests.reliability.fuzz.seeds import pack_bytes, seeds_of

_DELTA = Delta.of(Collection.LINES, f"{1:026d}", 2)
_PATHS = [
    "../out",
    "/tmp/out",
    "a/../../out",
    "a//b",
    ".",
    "..",
    "a/..",
    "a\x00b",
    "a\n",
    "~/x",
    "",
]


@contextmanager
def at_most(mebibytes: int) -> Iterator[None]:
    """Fail if more memory than that is taken at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < mebibytes * 2**20
    finally:
        tracemalloc.stop()


def delta_of(**members: bytes) -> bytes:
    """A sound delta, but for the given members."""
    with zipfile.ZipFile(io.BytesIO(seeds_of("deltas")[0])) as sound:
        content = {name: sound.read(name) for name in sound.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**content, **{f"{n}.npy": d for n, d in members.items()}}.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _sound_arrays() -> dict[str, Any]:
    with np.load(io.BytesIO(seeds_of("deltas")[0])) as sound:
        return {name: sound[name] for name in sound.files}


def array(header: dict[str, Any], data: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue() + data


def test_an_array_that_claims_terabytes_allocates_nothing() -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**9, 1000)}
    with at_most(8), pytest.raises(DeltaRefusedError, match="claims the shape"):
        decode(delta_of(vectors=array(header)), _DELTA)


def test_an_archive_that_unpacks_beyond_the_limit_is_not_unpacked() -> None:
    with (
        zipfile.ZipFile(buffer := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("vectors.npy", "w", force_zip64=True) as member,
    ):
        for _ in range(MAX_DECOMPRESSED_BYTES // 2**24 + 1):
            member.write(bytes(2**24))
    with at_most(8), pytest.raises(DeltaRefusedError, match="unpacks to"):
        decode(buffer.getvalue(), _DELTA)


def test_a_list_of_texts_beyond_what_the_vectors_can_have_is_not_unpacked() -> None:
    many = np.frombuffer(b'["' + b'","' * (100 * 2**20 // 3) + b'"]', np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{**_sound_arrays(), "texts": many})
    with at_most(8), pytest.raises(DeltaRefusedError, match="texts has 104857731 bytes"):
        decode(buffer.getvalue(), _DELTA)


@pytest.mark.parametrize("one", [b'""', b"1", b"[]", b'{"a":1}'])
def test_a_list_of_more_entries_than_vectors_is_left_at_the_first_one_too_many(one: bytes) -> None:
    many = np.frombuffer(b"[" + b",".join([one] * 300_000) + b"]", np.uint8)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{**_sound_arrays(), "texts": many})
    data = buffer.getvalue()
    with at_most(8), pytest.raises(DeltaRefusedError, match="texts"):
        decode(data, _DELTA)


@pytest.mark.parametrize("entries", [100, 65_000, 70_000])
def test_an_archive_of_many_entries_is_refused_before_its_directory_is_read(entries: int) -> None:
    buffer = io.BytesIO(seeds_of("deltas")[0])
    with zipfile.ZipFile(buffer, "a") as archive:
        for number in range(entries):
            archive.writestr(zipfile.ZipInfo(f"{number:x}"), b"")
    data = buffer.getvalue()
    with at_most(1), pytest.raises(DeltaRefusedError, match=r"directory of|not an \.npz"):
        decode(data, _DELTA)


def test_an_entry_packed_with_lzma_which_may_ask_for_any_memory_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        for name, data in _sound_arrays().items():
            archive.writestr(f"{name}.npy", _npy(data))
    with pytest.raises(DeltaRefusedError, match="neither none nor deflate"):
        decode(buffer.getvalue(), _DELTA)


def test_a_pickled_array_is_never_loaded() -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return pytest.fail, ("a pickle was loaded",)

    header = {"descr": "|O", "fortran_order": False, "shape": (1,)}
    with pytest.raises(DeltaRefusedError):
        decode(delta_of(ids=array(header, pickle.dumps([Bomb()]))), _DELTA)


def test_an_encrypted_or_torn_archive_is_refused_and_not_tried_for_ever() -> None:
    deflated = bytearray(seeds_of("deltas")[1])
    torn = bytes(deflated[:60]) + bytes(40) + bytes(deflated[100:])
    for position in (6, deflated.index(b"PK\x01\x02") + 8):
        deflated[position] |= 1  # the flag of encryption, in both of its places
    for data in (bytes(deflated), torn):
        with pytest.raises(DeltaRefusedError):
            decode(data, _DELTA)


def test_ids_nested_too_deeply_are_refused() -> None:
    nested = np.frombuffer(b"[" * 200_000, np.uint8)
    with pytest.raises(DeltaRefusedError):
        decode(delta_of(ids=_npy(nested)), _DELTA)


def test_a_message_nested_too_deeply_is_poison() -> None:
    with pytest.raises(PoisonMessageError):
        read_message('{"a":' * 200_000)


def test_a_zstd_bomb_stops_at_the_limit() -> None:
    bomb = compress(bytes(2**28))
    assert len(bomb) < 2**16
    with at_most(4), pytest.raises(SnapshotDamagedError, match="more than"):
        decompress(bomb, 2**20)


@pytest.mark.parametrize("path", _PATHS)
def test_no_path_of_a_manifest_or_pack_leads_out_of_the_folder(path: str, tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    folder.mkdir()
    manifest = json.loads(seeds_of("manifests")[0])
    manifest["files"][path] = 1
    with pytest.raises(SnapshotDamagedError):
        read_manifest(json.dumps(manifest).encode(), Collection.LINES)
    for header in (
        {"files": {path: {"size": 1, "pages": [0]}}, "removed": []},
        {"files": {}, "removed": [path]},
    ):
        with pytest.raises(SnapshotDamagedError):
            apply_pack(compress(pack_bytes(header, b"x")), folder)
    assert list(tmp_path.rglob("*")) == [folder]


def _npy(content: Any) -> bytes:
    np.save(buffer := io.BytesIO(), content)
    return buffer.getvalue()
