"""Damage in the bucket: readers and workers refuse it, and the last good version stays.

The tests use real Chroma, and the local S3 with object versions.
"""

import json
import struct
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mypy_boto3_s3 import S3Client

from receipt_index.exact_chroma import open_exact_chroma
from receipt_index.records import NewVector
from receipt_index.snapshot.copies.base import MAX_BLOCK_OBJECT
from receipt_index.snapshot.copies.working_copy import CopySettings, WorkingCopy
from receipt_index.snapshot.format.compression import compress, digest_of
from receipt_index.snapshot.format.manifest import (
    BLOCK_SIZE,
    MAX_MANIFEST_BYTES,
    Manifest,
    read_manifest,
)
from receipt_index.snapshot.format.pack import MAGIC, MAX_PACK_BYTES
from receipt_index.snapshot.reading.reader import SnapshotReader
from receipt_index.snapshot.restore import RestorePlan, check, publish
from receipt_index.snapshot.store.s3_store import S3SnapshotStore
from receipt_index.snapshot.store.snapshot_store import FetchedManifest
from receipt_sync.clock import SystemClock
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from receipt_sync.telemetry import Metric
from tests.support.fakes.system import InMemorySystem, line

LINES = Collection.LINES
PREFIX = f"snapshots/{LINES}/"
DATABASE = "chroma.sqlite3"
WORKERS = ("known", "writer", "cold")


class Bucket:
    """A published collection of three versions. The reader and the worker know the second."""

    def __init__(self, s3: Any, bucket: str, root: Path) -> None:
        self.s3, self.bucket, self.root = s3, bucket, root
        (root / "precious").write_text("x")
        self.store = S3SnapshotStore(s3, bucket, LINES)
        self.reader = SnapshotReader(self.store, LINES, root / "reader")
        self.worker = self.copy("known")
        self._writer = self.copy("writer")
        self.grow(0)
        self.grow(1)
        self.reader.refresh()
        self.worker.checkout()
        self.grow(2)

    def copy(self, writer: str) -> WorkingCopy:
        settings = CopySettings(writer, timedelta(hours=1))
        return WorkingCopy(
            self.store, LINES, self.root / writer, open_exact_chroma, SystemClock(), settings
        )

    def grow(self, number: int) -> None:
        index = self._writer.checkout()
        self._writer.mark_dirty()
        vector = np.random.default_rng(number).random(8, dtype=np.float32)
        index.insert([NewVector(f"id-{number}", vector, "t", {"n": number})])
        self._writer.publish(index.count())

    def manifest(self) -> Manifest:
        got = self.store.manifest(None)
        assert isinstance(got, FetchedManifest)
        return read_manifest(got.data, LINES)

    def put(self, name: str, data: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=PREFIX + name, Body=data)

    def forge(self, **fields: Any) -> None:
        """Publish a manifest in which some fields are replaced."""
        content = json.loads(self.manifest().to_json()) | fields
        self.put("manifest.json", json.dumps(content).encode())

    def forge_pack(self, content: bytes) -> str:
        """Put a pack of that content under its right name after the others. Return the name."""
        data = compress(content)
        self.put(f"packs/{digest_of(data)}", data)
        packs = json.loads(self.manifest().to_json())["packs"]
        self.forge(packs=[*packs[:-1], {"digest": digest_of(data), "size": len(data)}])
        return f"packs/{digest_of(data)}"

    def forge_block(self, content: bytes, packed: bytes | None = None) -> str:
        """Put `packed` at the name of a block of that content. Return the name."""
        manifest = json.loads(self.manifest().to_json())
        digest = digest_of(content)
        self.put(f"blocks/{digest}", compress(content) if packed is None else packed)
        manifest["base"][DATABASE]["blocks"][0] = digest
        self.forge(base=manifest["base"])
        return f"blocks/{digest}"

    def close(self) -> None:
        for copy in (self.worker, self._writer):
            copy.close()
        self.reader.close()


@pytest.fixture
def published(s3: S3Client, bucket: str, tmp_path: Path) -> Iterator[Bucket]:
    made = Bucket(s3, bucket, tmp_path)
    yield made
    made.close()


def header(files: dict[str, Any], **more: Any) -> bytes:
    encoded = json.dumps({"files": files, **more}).encode()
    return MAGIC + struct.pack(">I", len(encoded)) + encoded


def bomb(size: int) -> bytes:
    return compress(bytes(size))


def _truncated_block(one: Bucket) -> str:
    digest = one.manifest().base[DATABASE].blocks[0]
    data = one.store.read(f"blocks/{digest}", MAX_BLOCK_OBJECT)
    one.put(f"blocks/{digest}", data[:-100])
    return f"blocks/{digest} is truncated"


def _block_of_another_content(one: Bucket) -> str:
    digest = one.manifest().base[DATABASE].blocks[0]
    one.put(f"blocks/{digest}", compress(b"x" * one.manifest().base[DATABASE].size))
    return f"blocks/{digest} does not have the digest in its name"


def _missing_block(one: Bucket) -> str:
    digest = one.manifest().base[DATABASE].blocks[0]
    one.s3.delete_object(Bucket=one.bucket, Key=f"{PREFIX}blocks/{digest}")
    return f"blocks/{digest} is gone"


def _block_bomb(one: Bucket) -> str:
    return one.forge_block(b"whatever", bomb(1 << 30)) + f" unpacks to more than {BLOCK_SIZE} bytes"


def _huge_block(one: Bucket) -> str:
    name = one.forge_block(b"whatever", bytes(MAX_BLOCK_OBJECT + 1))
    return f"{name} has {MAX_BLOCK_OBJECT + 1} bytes, but at most {MAX_BLOCK_OBJECT} are allowed"


IN_THE_BASE = [
    _truncated_block,
    _block_of_another_content,
    _missing_block,
    _block_bomb,
    _huge_block,
]


def _corrupted_pack(one: Bucket) -> str:
    reference = one.manifest().packs[-1]
    data = bytearray(one.store.read(f"packs/{reference.digest}", reference.size))
    data[len(data) // 2] ^= 1
    one.put(f"packs/{reference.digest}", bytes(data))
    return f"packs/{reference.digest} does not have the digest in its name"


def _truncated_pack(one: Bucket) -> str:
    reference = one.manifest().packs[-1]
    data = one.store.read(f"packs/{reference.digest}", reference.size)
    one.put(f"packs/{reference.digest}", data[:-1])
    return f"packs/{reference.digest} does not have the digest in its name"


def _longer_pack(one: Bucket) -> str:
    reference = one.manifest().packs[-1]
    one.put(f"packs/{reference.digest}", bytes(reference.size + 1))
    return f"packs/{reference.digest} has {reference.size + 1} bytes, but at most {reference.size} "


def _missing_pack(one: Bucket) -> str:
    digest = one.manifest().packs[-1].digest
    one.s3.delete_object(Bucket=one.bucket, Key=f"{PREFIX}packs/{digest}")
    return f"packs/{digest} is gone"


def _pack_bomb(one: Bucket) -> str:
    return one.forge_pack(bytes(MAX_PACK_BYTES + 1)) + f" unpacks to more than {MAX_PACK_BYTES}"


def _pack_out_of_the_folder(one: Bucket) -> str:
    name = one.forge_pack(header({"../escaped": {"size": 1, "pages": [0]}}) + b"x")
    return f"{name} has a header of another format"


def _pack_that_removes_what_is_not_its_own(one: Bucket) -> str:
    name = one.forge_pack(header({}, removed=["../../precious"]))
    return f"{name} has a header of another format"


def _pack_of_another_format(one: Bucket) -> str:
    return one.forge_pack(b"RCSPACK\x02" + bytes(100)) + " is not a pack of this format"


def _pack_with_a_page_too_many(one: Bucket) -> str:
    name = one.forge_pack(header({DATABASE: {"size": 4096, "pages": [0, 1]}}) + bytes(8192))
    return f"{name} holds a page beyond the end of {DATABASE}"


def _pack_without_its_pages(one: Bucket) -> str:
    name = one.forge_pack(header({DATABASE: {"size": 8192, "pages": [0, 1]}}) + bytes(4096))
    return f"{name} does not hold the pages that its header names"


def _pack_of_a_terabyte_of_holes(one: Bucket) -> str:
    one.forge_pack(header({DATABASE: {"size": 1 << 37, "pages": []}}))
    return f"do not have the sizes that the manifest names: {DATABASE}"


def _pack_whose_path_is_a_file(one: Bucket) -> str:
    one.forge_pack(header({f"{DATABASE}/x": {"size": 1, "pages": [0]}}) + b"x")
    return "its paths collide"


IN_A_PACK = [
    _corrupted_pack,
    _truncated_pack,
    _longer_pack,
    _missing_pack,
    _pack_bomb,
    _pack_out_of_the_folder,
    _pack_that_removes_what_is_not_its_own,
    _pack_of_another_format,
    _pack_with_a_page_too_many,
    _pack_without_its_pages,
    _pack_of_a_terabyte_of_holes,
    _pack_whose_path_is_a_file,
]


def _junk(one: Bucket) -> str:
    one.put("manifest.json", b"junk")
    return "Invalid JSON"


def _a_later_format(one: Bucket) -> str:
    one.forge(format=5)
    return "does not have format 1 to 4 (format: Input should be 1, 2, 3 or 4): if a later version"


def _a_further_field(one: Bucket) -> str:
    one.forge(codec="lz4")
    return "codec: Extra inputs are not permitted"


def _a_path_out_of_the_folder(one: Bucket) -> str:
    one.forge(files={"../escaped": 1})
    return "files.../escaped.[key]: String should match"


def _too_many_files(one: Bucket) -> str:
    one.forge(files={f"f{number}": 1 for number in range(1001)})
    return "files: Dictionary should have at most 1000 items"


def _too_few_blocks(one: Bucket) -> str:
    one.forge(base={DATABASE: {"size": BLOCK_SIZE + 1, "blocks": ["0" * 64]}})
    return f"1 blocks do not make {BLOCK_SIZE + 1} bytes"


def _a_file_of_petabytes(one: Bucket) -> str:
    one.forge(base={DATABASE: {"size": 1 << 50, "blocks": []}})
    return "less than or equal to 1099511627776"


def _huge_manifest(one: Bucket) -> str:
    one.put("manifest.json", b" " * (MAX_MANIFEST_BYTES + 1))
    return f"manifest.json has {MAX_MANIFEST_BYTES + 1} bytes, but at most"


def _that_of_a_server(one: Bucket) -> str:
    one.put("manifest.json", b'{"target":"server","format":1,"collection":"receipt_lines"}')
    return "If it belongs to a Chroma server, set CHROMA_TARGET"


IN_THE_MANIFEST = [
    _junk,
    _a_later_format,
    _a_further_field,
    _a_path_out_of_the_folder,
    _too_many_files,
    _too_few_blocks,
    _a_file_of_petabytes,
    _huge_manifest,
    _that_of_a_server,
]

Damage = Callable[[Bucket], str]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(SnapshotDamagedError) as raised:
        call()
    return str(raised.value)


@pytest.mark.parametrize("damage", [*IN_A_PACK, *IN_THE_MANIFEST])
def test_damage_is_refused_by_worker_and_reader_and_the_good_version_stays(
    published: Bucket, damage: Damage
) -> None:
    sentence = damage(published)
    before = _objects(published)
    for look in (published.worker.checkout, published.copy("cold").checkout):
        assert sentence in refusal(look)
    assert sentence in refusal(published.reader.refresh)
    # The reader continues to serve.
    assert (published.reader.version, published.reader.count()) == (2, 2)
    assert _objects(published) == before  # and no worker published
    _check_nothing_escaped(published)


@pytest.mark.parametrize("damage", IN_THE_BASE)
def test_damage_in_the_base_is_refused_by_whoever_needs_it(
    published: Bucket, damage: Damage
) -> None:
    """A warm worker has the base already if the manifest names the same base."""
    sentence = damage(published)
    cold = refusal(published.copy("cold").checkout)
    assert sentence in cold
    assert "version 3 of receipt_lines can't be read" in cold
    assert "`receipt-sync snapshot restore` makes an earlier version the newest" in cold
    reader = SnapshotReader(published.store, LINES, published.root / "another")
    assert sentence in refusal(reader.refresh)
    reader.close()
    assert published.reader.count() == 2


@pytest.mark.parametrize("damage", [_corrupted_pack, _a_later_format, _missing_pack])
def test_the_version_before_the_damage_can_be_made_the_newest(
    published: Bucket, damage: Damage
) -> None:
    history = _history(published)
    damage(published)
    refusal(published.worker.checkout)
    folder = published.root / "check"
    folder.mkdir()
    (chosen,) = [manifest for manifest in history if manifest.version == 2]
    plan = RestorePlan(chosen, history[0], history[0].version)
    check(published.store, plan, folder)
    manifest = publish(published.store, plan, SystemClock(), "operator").published
    assert manifest.version == 4
    assert published.worker.checkout().count() == 2
    assert published.reader.refresh()
    assert (published.reader.version, published.reader.count()) == (4, 2)
    published.worker.mark_dirty()
    published.worker.checkout().update({"id-0": {"n": 9}})
    assert published.worker.publish(2).version == 5


@pytest.mark.parametrize("damage", [_corrupted_pack, _a_later_format])
def test_the_compactor_returns_its_messages_and_raises_the_alarm(
    published: Bucket, damage: Damage
) -> None:
    manifest = published.manifest().to_json()
    packs = {pack.digest: pack.size for pack in published.manifest().packs}
    good = {name: published.store.read(f"packs/{name}", size) for name, size in packs.items()}
    sentence, system = damage(published), InMemorySystem()
    system.table.put(line(1), text="a")
    worker = system.worker(wrap=lambda _: published.worker)  # type: ignore[arg-type,return-value]
    body = system.delta_body([line(1)], dimension=8)
    assert sentence in system.handle(worker, body).returned["0"]
    assert system.telemetry.total(Metric.SNAPSHOTS_DAMAGED) == 1
    assert system.dead_letters.parked == []
    for name, data in good.items():
        published.put(f"packs/{name}", data)
    published.put("manifest.json", manifest)
    assert system.handle(worker, body).returned == {}
    assert (published.manifest().version, published.manifest().record_count) == (4, 4)


def _history(one: Bucket) -> list[Manifest]:
    """Return the bucket's object versions, the newest first."""
    listed = one.s3.list_object_versions(Bucket=one.bucket, Prefix=PREFIX + "manifest.json")
    return [
        read_manifest(
            one.s3.get_object(
                Bucket=one.bucket, Key=PREFIX + "manifest.json", VersionId=entry["VersionId"]
            )["Body"].read(),
            LINES,
        )
        for entry in listed["Versions"]
    ]


def _objects(one: Bucket) -> dict[str, str]:
    listed = one.s3.list_objects_v2(Bucket=one.bucket, Prefix=PREFIX)
    return {entry["Key"]: entry["ETag"] for entry in listed["Contents"]}


def _check_nothing_escaped(one: Bucket) -> None:
    assert {path.name for path in one.root.iterdir()} == {"reader", *WORKERS, "precious"}
    assert (one.root / "precious").read_text() == "x"
