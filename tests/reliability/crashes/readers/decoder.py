"""Reads a published version according to docs/snapshot-format.md, without the code under test."""

import json
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import chromadb
import numpy as np
from chromadb.config import Settings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BLOCK = 4 * 2**20
_PAGE = 4096


class Version(NamedTuple):
    """A published version: its stored manifest, and a function that reads an object by its name."""

    manifest: bytes
    read: Callable[[str], bytes]

    @classmethod
    def below(cls, store: Path) -> "Version":
        """Return the current version of a store in a folder."""
        return cls((store / "manifest.json").read_bytes(), lambda name: (store / name).read_bytes())


def decode(version: Version, folder: Path) -> None:
    """Write the files of a version to the empty `folder`."""
    manifest, read = json.loads(version.manifest), version.read
    for name, file in manifest["base"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = [zstd.decompress(read(f"blocks/{d}")) for d in file["blocks"]]
        path.write_bytes(b"".join(blocks))
    for pack in manifest["packs"]:
        _lay(zstd.decompress(read(f"packs/{pack['digest']}")), folder)


def _lay(pack: bytes, folder: Path) -> None:
    (length,) = struct.unpack(">I", pack[8:12])
    header, at = json.loads(pack[12 : 12 + length]), 12 + length
    for name, file in header["files"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = bytearray(path.read_bytes() if path.exists() else b"")
        content.extend(bytes(max(0, file["size"] - len(content))))
        for page in file["pages"]:
            size = min(_PAGE, file["size"] - page * _PAGE)
            content[page * _PAGE : page * _PAGE + size] = pack[at : at + size]
            at += size
        path.write_bytes(bytes(content[: file["size"]]))
    for name in header["removed"]:
        (folder / name).unlink()


class Fresh:
    """A version in plain chromadb, opened in a new folder."""

    def __init__(self, version: Version, folder: Path, collection: str) -> None:
        decode(version, folder)
        settings = Settings(anonymized_telemetry=False)
        self._client: Any = chromadb.PersistentClient(path=str(folder), settings=settings)
        self._collection: Any = self._client.get_collection(collection, embedding_function=None)

    def records(self) -> dict[str, tuple[Any, Any, Any]]:
        """Return vector, metadata and document of every record."""
        got = self._collection.get(include=["embeddings", "metadatas", "documents"])
        held = zip(got["embeddings"], got["metadatas"], got["documents"], strict=True)
        return {
            i: (np.asarray(v, np.float32), m, d)
            for i, (v, m, d) in zip(got["ids"], held, strict=True)
        }

    def close(self) -> None:
        self._client.close()
