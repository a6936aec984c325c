"""Sound inputs, from which mutated inputs are made."""

import io
import json
import struct
import zipfile
from typing import Any, Final

import numpy as np

from receipt_index.deltas import VectorBatch, encode
from receipt_index.snapshot.format.compression import compress
from receipt_index.snapshot.format.pack import MAGIC
from receipt_sync.keys import Collection
from receipt_sync.messages import Change, Delta, batch_body, to_body
from tests.support.fakes.system import InMemorySystem, line, metadata, word

SECRET: Final = "geheim text"
"""A part of every receipt text, so that a leak of a text is found."""


def seeds_of(target: str) -> list[bytes]:
    """Return the sound inputs of a target."""
    return _SEEDS[target]


def _keys() -> list[bytes]:
    keys = [line(1), word(2), metadata(), line(99_999), line(123_456, "e\u0301\U0001f9fe", 7)]
    others = ["USER#1\nPROFILE", "IMAGE#img\nRECEIPT#00001", "IMAGE#img\nRECEIPT#00001#LINE#x"]
    return [f"{key.pk}\n{key.sk}".encode() for key in keys] + [text.encode() for text in others]


def _ids() -> list[bytes]:
    return [key.chroma_id.encode() for key in (line(1), word(2), line(99_999, "a b", 100_000))]


_VALUES: Final[list[Any]] = [
    {"S": SECRET}, {"N": "-1.50E+10"}, {"N": "9" * 38}, {"B": "AAEC"}, {"BOOL": True},
    {"NULL": True}, {"M": {"x": {"N": "0.5"}, "y": {"L": [{"S": SECRET}]}}},
    {"L": [{"S": "a"}, {"N": "1"}]}, {"SS": ["a", SECRET]}, {"NS": ["1", "2.5"]}, {"BS": ["AA=="]},
]  # fmt: skip


def _record(event: str, old: Any, new: Any) -> dict[str, Any]:
    key = word(3)
    data = {
        "ApproximateCreationDateTime": 1767225600.5,
        "Keys": {"PK": {"S": key.pk}, "SK": {"S": key.sk}},
        "SequenceNumber": "111",
        "SizeBytes": 26,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
        "OldImage": old,
        "NewImage": new,
    }
    return {
        "eventID": "1",
        "eventName": event,
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {name: value for name, value in data.items() if value is not None},
    }


def _events() -> list[bytes]:
    old = {"text": {"S": SECRET}, "confidence": {"N": "0.5"}, "extra": {"SS": ["a"]}}
    new = {
        **old,
        "text": {"S": f"{SECRET}\x00\U0001f9fe"},
        "bounding_box": {"M": {"x": {"N": "1"}}},
    }
    records = [
        _record("MODIFY", old, new),
        _record("INSERT", None, new),
        _record("REMOVE", old, None),
    ]
    return [json.dumps(records[0]).encode(), json.dumps({"Records": records}).encode()]


def _bodies() -> list[bytes]:
    system = InMemorySystem()
    changes = [
        system.change(line(2), "text", event="INSERT"),
        system.change(word(3), "text", "is_noise"),
        system.change(metadata(), "merchant_name"),
    ]
    valued = changes[0].model_copy(update={"changes": {"text": {"old": SECRET, "new": SECRET}}})
    delta = Delta.of(Collection.LINES, f"{7:026d}", 1)
    messages: list[Change | Delta] = [*changes, valued, delta]
    bodies = [*map(to_body, messages), batch_body(map(to_body, changes))]
    return [body.encode() for body in bodies]


def _deltas() -> list[bytes]:
    ids = (line(1).chroma_id, line(2).chroma_id)
    vectors = np.ones((2, 4), np.float32)
    batch = VectorBatch(f"{1:026d}", ids, vectors, (SECRET, ""))
    deflated = io.BytesIO()
    with (
        zipfile.ZipFile(deflated, "w", zipfile.ZIP_DEFLATED) as archive,
        zipfile.ZipFile(io.BytesIO(encode(batch))) as plain,
    ):
        for entry in plain.namelist():
            archive.writestr(entry, plain.read(entry))
    return [encode(batch), deflated.getvalue()]


def _manifests() -> list[bytes]:
    digest = "a" * 64
    manifest = {
        "format": 2, "collection": "receipt_lines", "version": 2,
        "base": {"chroma.sqlite3": {"size": 5, "blocks": [digest]}}, "base_size": 5,
        "packs": [{"digest": digest, "size": 3}],
        "files": {"chroma.sqlite3": 5, "segment/data_level0.bin": 0}, "record_count": 1,
        "published_at": "2026-01-01T00:00:00Z", "writer": "w",
        "retired": [
            {"name": f"{folder}/{digest}", "since": "2026-01-01T00:00:00Z"}
            for folder in ("blocks", "retired")
        ],
    }  # fmt: skip
    return [json.dumps(manifest).encode()]


def pack_bytes(header: Any, pages: bytes) -> bytes:
    """Return a pack before compression."""
    encoded = json.dumps(header).encode()
    return MAGIC + struct.pack(">I", len(encoded)) + encoded + pages


def _packs() -> list[bytes]:
    small = {"files": {"b/c.bin": {"size": 10, "pages": [0]}}, "removed": ["a.db"]}
    large = {"files": {"a.db": {"size": 8192, "pages": [0, 1]}}, "removed": []}
    return [
        pack_bytes(small, b"0123456789"),
        pack_bytes(large, bytes(8192)),
        pack_bytes({"files": {}}, b""),
    ]


_SEEDS: Final = {
    "keys": _keys(),
    "chroma_ids": _ids(),
    "values": [json.dumps(value).encode() for value in _VALUES],
    "messages": _bodies(),
    "deltas": _deltas(),
    "manifests": _manifests(),
    "compression": [compress(b"a" * 5000), compress(b"")],
    "packs": [compress(pack) for pack in _packs()],
    "pack_contents": _packs(),
    "stream_events": _events(),
    "compaction_bodies": _bodies(),
    "compaction_deltas": _deltas(),
}
