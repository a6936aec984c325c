"""The published version of a Chroma server, read as that of a snapshot is."""

import json
from typing import Any

import pytest

from receipt_ops.snapshots.manifests import Published, published
from receipt_sync.errors import SnapshotDamagedError
from receipt_sync.keys import Collection
from tests.unit.receipt_ops.deployed_system import NOW


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
