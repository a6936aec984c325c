"""Reads a published version as docs/snapshot-format.md says, without the code under test."""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
from chromadb.config import Settings

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_BLOCK = 4 * 2**20
_PAGE = 4096


def decode(store: Path, folder: Path) -> None:
    """Make the files of the present version under the empty `folder`."""
    manifest = json.loads((store / "manifest.json").read_bytes())
    for name, file in manifest["base"].items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        blocks = [zstd.decompress((store / "blocks" / d).read_bytes()) for d in file["blocks"]]
        path.write_bytes(b"".join(blocks))
    for pack in manifest["packs"]:
        _lay(zstd.decompress((store / "packs" / pack["digest"]).read_bytes()), folder)


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

    def __init__(self, store: Path, folder: Path, collection: str) -> None:
        decode(store, folder)
        settings = Settings(anonymized_telemetry=False)
        self._client: Any = chromadb.PersistentClient(path=str(folder), settings=settings)
        self._collection = self._client.get_collection(collection, embedding_function=None)

    def finds(self, chroma_id: str, vector: Any) -> bool:
        """Whether a search for the vector returns this record."""
        found = self._collection.query(query_embeddings=[vector], n_results=1, include=[])
        return bool(found["ids"][0] == [chroma_id])

    def records(self) -> dict[str, tuple[Any, Any, Any]]:
        """Vector, metadata and document of every record."""
        got = self._collection.get(include=["embeddings", "metadatas", "documents"])
        held = zip(got["embeddings"], got["metadatas"], got["documents"], strict=True)
        return {
            i: (np.asarray(v, np.float32), m, d)
            for i, (v, m, d) in zip(got["ids"], held, strict=True)
        }

    def close(self) -> None:
        self._client.close()
