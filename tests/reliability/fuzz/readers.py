"""The parsers of keys, values, messages and objects, with bytes as input."""

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from receipt_index.deltas import VectorBatch, decode
from receipt_index.snapshot.format.compression import compress, decompress
from receipt_index.snapshot.format.manifest import read_manifest
from receipt_index.snapshot.format.pack import apply_pack
from receipt_sync.attributes import decode as decode_value
from receipt_sync.attributes import to_json
from receipt_sync.errors import (
    DeltaRefusedError,
    MalformedKeyError,
    MalformedValueError,
    PoisonMessageError,
    SnapshotDamagedError,
)
from receipt_sync.keys import Collection, parse_chroma_id, parse_key
from receipt_sync.messages import Delta, read_message
from tests.reliability.fuzz.contract import (
    APPLIED,
    IGNORED,
    PARKED,
    BrokenContractError,
    NoJSONError,
    any_json,
    any_text,
    body_text,
    check_silent,
)

_DELTA: Final = Delta.of(Collection.LINES, f"{1:026d}", 2)
_LARGEST: Final = 2**20
"""The largest unpacked size of an input in these tests, in bytes."""


def _refusing(
    *expected: type[Exception],
) -> Callable[[Callable[[Any], Any]], Callable[[bytes], str]]:
    """Return the outcome as a word. `expected` are the errors that the parser may raise."""

    def guarded(read: Callable[[Any], Any]) -> Callable[[bytes], str]:
        def check(data: bytes) -> str:
            try:
                return IGNORED if read(data) is None else APPLIED
            except expected as error:
                if not isinstance(error, SnapshotDamagedError):  # a manifest holds no receipt text
                    check_silent(error)
                return PARKED

        return check

    return guarded


def keys() -> Callable[[bytes], str]:
    """A table key and a Chroma id. An accepted key must give the same text again."""

    def read(data: bytes) -> Any:
        pk, _, sk = any_text(data).partition("\n")
        key = parse_key(pk, sk)
        if key is not None and (key.pk, key.sk) != (pk, sk):
            raise BrokenContractError(f"{(pk, sk)!r} was read as {key}")
        if key is not None and key.collection and parse_chroma_id(key.chroma_id) != key:
            raise BrokenContractError(f"{key.chroma_id!r} is not the id of {key}")
        return key

    return _refusing(MalformedKeyError)(read)


def chroma_ids() -> Callable[[bytes], str]:
    def read(data: bytes) -> Any:
        text = any_text(data)
        key = parse_chroma_id(text)
        if key.chroma_id != text:
            raise BrokenContractError(f"{text!r} was read as {key}")
        return key

    return _refusing(MalformedKeyError)(read)


def values() -> Callable[[bytes], str]:
    """An attribute value. A decoded value must fit into a message."""

    def read(data: bytes) -> Any:
        return json.dumps(to_json(decode_value(any_json(data))), allow_nan=False)

    return _refusing(MalformedValueError, NoJSONError)(read)


def messages() -> Callable[[bytes], str]:
    return _refusing(PoisonMessageError)(lambda data: read_message(body_text(data)))


def deltas() -> Callable[[bytes], str]:
    def read(data: bytes) -> VectorBatch:
        batch = decode(data, _DELTA)
        if batch.vectors.nbytes > 100 * len(data) + 10_000_000:
            raise BrokenContractError(f"{len(data)} bytes became {batch.vectors.nbytes}")
        return batch

    return _refusing(DeltaRefusedError)(read)


def manifests() -> Callable[[bytes], str]:
    def read(data: bytes) -> Any:
        manifest = read_manifest(data, Collection.LINES)
        for name in (*manifest.base, *manifest.files):
            _check_inside(Path("/folder"), name)
        return manifest

    return _refusing(SnapshotDamagedError)(read)


def compression() -> Callable[[bytes], str]:
    def read(data: bytes) -> bytes:
        content = decompress(data, _LARGEST)
        if len(content) > _LARGEST:
            raise BrokenContractError(f"{len(content)} bytes came out")
        return content

    return _refusing(SnapshotDamagedError)(read)


class _Packs:
    """A folder inside a folder. No file may appear beside it."""

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="fuzz-"))
        self._folder = self._root / "mirror"

    def __call__(self, data: bytes) -> Any:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        (self._folder / "a.db").write_bytes(bytes(8192))
        try:
            return apply_pack(data, self._folder)
        finally:
            beside = [path for path in self._root.iterdir() if path != self._folder]
            if beside:
                raise BrokenContractError(f"a pack wrote {beside}")


def packs() -> Callable[[bytes], str]:
    return _refusing(SnapshotDamagedError)(_Packs())


def pack_contents() -> Callable[[bytes], str]:
    """Packs in valid zstd, so that the parser reaches header and pages."""
    read = _Packs()
    return _refusing(SnapshotDamagedError)(lambda data: read(compress(data)))


def _check_inside(folder: Path, name: str) -> None:
    if not (folder / name).resolve().is_relative_to(folder):
        raise BrokenContractError(f"{name!r} leads out of the folder")
