"""docs/integrate.md is complete: what follows it is accepted, and it names everything."""

import json
import re
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np

import receipt_index
from compactor.cycle.projection import project
from receipt_index.delta_archive import MAX_DIMENSION
from receipt_index.deltas import MAX_VECTORS, decode
from receipt_index.records import DELTA_ID, STALE
from receipt_sync.fields import RELEVANT_FIELDS
from receipt_sync.keys import Collection, EntityKey, EntityType, parse_chroma_id
from receipt_sync.messages import read_message
from receipt_sync.settings import ChromaSettings

PROJECT = Path(__file__).resolve().parents[2]
PAGE = (PROJECT / "docs/integrate.md").read_text()
IDS = ["IMAGE#7f3a#RECEIPT#00001#LINE#00001", "IMAGE#7f3a#RECEIPT#00001#LINE#00002"]
ROWS = [[0.6, 0.8], [0.8, -0.6]]


def entry(dtype: str, shape: str, data: bytes) -> bytes:
    """An entry of the archive, from the page's table of bytes alone."""
    header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(6 + 2 + 2 + len(header) + 1) % 64) + "\n"
    magic = bytes.fromhex("934E554D5059") + bytes([1, 0])
    return magic + struct.pack("<H", len(header)) + header.encode("ascii") + data


def strings(values: list[str]) -> bytes:
    data = json.dumps(values, ensure_ascii=False).encode()
    return entry("|u1", f"({len(data)},)", data)


def test_a_producer_without_numpy_is_understood() -> None:
    message = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert message
    delta = read_message(message[1]).delta
    assert delta is not None
    assert delta.model == "my-model 1"
    vectors = b"".join(struct.pack("<2f", *row) for row in ROWS)
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("vectors.npy", entry("<f4", "(2, 2)", vectors))
        target.writestr("ids.npy", strings(IDS))
        target.writestr("texts.npy", strings(["CAFÉ LUNA", "FLAT WHITE 4.50"]))
    batch = decode(archive.getvalue(), delta)
    assert list(batch.ids) == IDS
    assert batch.texts == ("CAFÉ LUNA", "FLAT WHITE 4.50")
    assert np.array_equal(batch.vectors, np.array(ROWS, np.float32))


def test_numpy_reads_an_entry_that_the_page_describes() -> None:
    data = entry("<f4", "(2, 2)", np.array(ROWS, "<f4").tobytes())
    assert np.array_equal(np.load(BytesIO(data)), np.array(ROWS, np.float32))
    assert data.index(b"\n") % 64 == 63


def test_the_page_lists_the_entity_types_and_collections() -> None:
    rows = re.findall(r"^\| .* \| `(RECEIPT_\w+)` \| `IMAGE#{image_id}` \| `RECEIPT#", PAGE, re.M)
    assert rows == [entity_type.value for entity_type in EntityType]
    assert {collection for collection in Collection if f"`{collection}`" not in PAGE} == set()


def test_the_page_lists_the_relevant_fields_of_each_item() -> None:
    (table,) = re.findall(r"^\| item \| field \|.*\n\|---.*\n((?:\|.*\n)+)", PAGE, re.M)
    listed: dict[str, list[str]] = {}
    items: list[str] = []
    for row in table.splitlines():
        _, item, fields, *_ = row.split("|")
        items = item.strip().split(", ") if item.strip() else items
        for one in items:
            listed[one] = [*listed.get(one, []), *re.findall(r"`(\w+)`", fields)]
    assert {one: set(fields) for one, fields in listed.items()} == {
        entity_type.kind: set(fields) for entity_type, fields in RELEVANT_FIELDS.items()
    }


def test_no_other_page_lists_the_fields() -> None:
    """A new field then needs an entry in the table of fields, and one in this page."""
    last = {fields[-1] for fields in RELEVANT_FIELDS.values()}
    pages = (PROJECT / "docs").rglob("*.md")
    naming = {
        page.name for page in pages if all(f"`{field}`" in page.read_text() for field in last)
    }
    assert naming == {"integrate.md"}


def test_the_page_names_every_field_of_items_and_records() -> None:
    fields = {field for names in RELEVANT_FIELDS.values() for field in names}
    keys = (EntityKey("i", 1, 1), EntityKey("i", 1, 1, 1))
    records = {name for key in keys for name in project(key, {key: {"text": "a"}})}
    wanted = (fields | records | {STALE, DELTA_ID}) - {"bounding_box"}
    merchant = {name for name in wanted if f"`{name}`" not in PAGE}
    assert merchant == set()


def test_the_page_names_every_public_name_method_and_limit() -> None:
    for name in set(receipt_index.__all__) - {"Delta", "Match", "Record", "Collection", "Reader"}:
        if name not in ("NothingPublishedError", "ReaderSettings"):
            assert name in PAGE, name
    for method in ("refresh", "follow", "search", "get", "vectors", "ids", "count", "close"):
        assert f"`{method}(" in PAGE
        assert hasattr(receipt_index.SnapshotReader, method)
        assert hasattr(receipt_index.ServerReader, method)
    assert f"{MAX_VECTORS:,}" in PAGE
    assert f"{MAX_DIMENSION:,}" in PAGE
    for name in ("chroma_target", "chroma_host", "chroma_port"):
        assert name in ChromaSettings.model_fields
        assert f"`{name.upper()}`" in PAGE


def test_the_record_ids_of_the_page_are_record_ids() -> None:
    found = set(re.findall(r"IMAGE#[0-9a-f]+#RECEIPT#\d+#LINE#\d+", PAGE))
    assert found
    for record_id in found:
        assert parse_chroma_id(record_id).chroma_id == record_id
