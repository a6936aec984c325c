"""The published version of a Chroma server, read as that of a snapshot is."""

import json
from typing import Any

import pytest

from receipt_ops.snapshots.manifests import Published, of_snapshot, published
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.deployed_system import NOW
from tests.unit.receipt_ops.snapshots.versions import manifest


def test_a_servers_version_is_shown_as_a_snapshots_is() -> None:
    server: dict[str, Any] = {
        "target": "server",
        "format": 1,
        "collection": "receipt_lines",
        "collection_id": "00000000-0000-4000-8000-000000000000",
        "version": 4,
        "record_count": 9,
        "published_at": NOW.isoformat(),
        "writer": "w",
        "claims": [],
    }
    found = published(json.dumps(server).encode(), Collection.LINES)
    assert found == Published("server", 4, NOW, "w", 9)
    claimed = {**server, "version": 0}
    assert published(json.dumps(claimed).encode(), Collection.LINES) is None
    for junk in (b"junk", b"[]", b'{"target": "server"}'):
        with pytest.raises(SnapshotDamagedError):
            published(junk, Collection.LINES)


@pytest.mark.parametrize("content", [b"[" * 60_000, b'{"target":' * 60_000])
def test_a_nested_manifest_is_damaged(content: bytes) -> None:
    """`status`, `snapshot show` and `check-config` ended with a RecursionError."""
    with pytest.raises(SnapshotDamagedError):
        published(content, Collection.WORDS)


@pytest.mark.parametrize(
    ("elements", "share", "due"), [(0, None, False), (1_500, 1.5, False), (1_501, 1.501, True)]
)
def test_a_version_says_how_many_elements_a_record_its_index_holds(
    elements: int, share: float | None, *, due: bool
) -> None:
    sizes = {"graph/length.bin": 4 * elements}
    version = of_snapshot(manifest(1).model_copy(update={"files": sizes, "record_count": 1_000}))
    assert (version.elements_a_record, version.rebuild_due) == (share, due)
    shown = version.to_json()
    assert shown["elements_a_record"] == (None if share is None else round(share, 2))
    assert shown["rebuild_due"] is due
